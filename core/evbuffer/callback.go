package evbuffer

// A Callback is called after data was added to or removed from a buffer. It may
// do anything to any buffer: change it, which calls callbacks again, add and
// remove callbacks, its own included, or free it. e says which buffer has
// changed, and carries what the user has put there (evbuffer_cb_func).
type Callback func(e *CallbackEntry, info CallbackInfo)

// CallbackInfo says how a buffer has changed since its callbacks were last
// called. All numbers are in bytes. For each callback the changes follow one
// another: Orig is the length that the previous call has led to, also when
// callbacks change buffers themselves (struct evbuffer_cb_info).
type CallbackInfo struct {
	Orig    int // the length before
	Added   int
	Deleted int
}

// CallbackFlags say when a callback is called.
type CallbackFlags uint8

const (
	// CallbackEnabled is set from the start. Without it the callback is not
	// called (EVBUFFER_CB_ENABLED).
	CallbackEnabled CallbackFlags = 1 << iota
	// CallbackNoDefer makes the callback come at once even if the others of
	// the buffer are deferred. Then it sees what has changed since those ran.
	CallbackNoDefer
)

// A CallbackEntry is a callback on a buffer (struct evbuffer_cb_entry).
type CallbackEntry struct {
	// Data is for the user: one function can serve any number of buffers, and
	// find here what each is about.
	Data any

	fn     Callback
	buffer *Buffer

	// What follows is guarded by the buffer's lock, if it has one.
	next    *CallbackEntry // even when removed, for iterations that are under way
	flags   CallbackFlags
	removed bool
}

// AddCallback adds a callback, which is called for every change from now on. A
// change calls the callbacks in turn, the latest one first, after it is complete
// and before the call that made it returns; unless they are deferred (see
// [Buffer.DeferCallbacks]). A nil function is never called (evbuffer_add_cb).
func (b *Buffer) AddCallback(fn Callback) *CallbackEntry {
	defer b.enter().leave()
	e := &CallbackEntry{fn: fn, buffer: b, next: b.callbacks, flags: CallbackEnabled}
	b.callbacks = e
	if x := b.needRare(); x.unreported == nil {
		x.unreported = new(unreported)
	}
	return e
}

// RemoveCallback removes a callback. It is not called again, not even for a
// change that others are being told of. The error is ErrNoCallback if e is not
// on this buffer (evbuffer_remove_cb_entry).
func (b *Buffer) RemoveCallback(e *CallbackEntry) error {
	defer b.enter().leave()
	if e == nil || e.buffer != b || e.removed {
		return opError("remove callback", ErrNoCallback)
	}
	e.removed = true
	link := &b.callbacks
	for *link != e {
		link = &(*link).next
	}
	*link = e.next
	if b.callbacks == nil {
		*b.rare.unreported = unreported{}
	}
	return nil
}

// Buffer returns the buffer that the callback is on, or was on until it was
// removed.
func (e *CallbackEntry) Buffer() *Buffer { return e.buffer }

// SetFlags sets flags and leaves the others as they are. The error is ErrFlag if
// there is no such flag, ErrNoCallback if the callback was removed
// (evbuffer_cb_set_flags).
func (e *CallbackEntry) SetFlags(f CallbackFlags) error {
	return e.changeFlags("set callback flags", f, f)
}

// ClearFlags clears flags and leaves the others as they are. The errors are
// those of SetFlags (evbuffer_cb_clear_flags).
func (e *CallbackEntry) ClearFlags(f CallbackFlags) error {
	return e.changeFlags("clear callback flags", f, 0)
}

func (e *CallbackEntry) changeFlags(op string, f, to CallbackFlags) error {
	if f&^(CallbackEnabled|CallbackNoDefer) != 0 {
		return opError(op, ErrFlag)
	}
	if e.buffer == nil { // it was not added
		return opError(op, ErrNoCallback)
	}
	defer e.buffer.enter().leave()
	if e.removed {
		return opError(op, ErrNoCallback)
	}
	e.flags = e.flags&^f | to
	return nil
}

// An Observer is the object that a buffer is part of, see [Owned]: a stream that must
// know at once what was put into its output or taken from its input. It costs a buffer
// less than a callback, and leaves those to the users of the stream.
type Observer interface {
	// BufferChanged is told of each change, as callbacks are, but never
	// deferred, and after those callbacks that are not deferred either. So it
	// is told of changes that those make before the one they were called for.
	BufferChanged(b *Buffer, info CallbackInfo)
}
