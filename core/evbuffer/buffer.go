package evbuffer

import "math"

// A Buffer is a queue of bytes in chunks, made to be filled at one end and
// emptied at the other without moving what is in between. The zero value is an
// empty buffer, ready to use. A Buffer must not be copied.
//
// It belongs to one goroutine, usually that of a loop, unless
// [Buffer.EnableLocking] was called (struct evbuffer).
type Buffer struct {
	// The queue: all chunks from first to last have data, length bytes in all.
	// In an empty buffer both are nil.
	first, last *chunk
	length      int
	// epoch counts the changes that make positions meaningless.
	epoch     uint64
	callbacks *CallbackEntry // the latest first
	observer  Observer       // or nil
	rare      *rareFields    // what few buffers have, or nil
	maxRead   int32          // 0: DefaultMaxRead
	flags     flags
}

// flags are what is on or off in a buffer.
type flags uint16

const (
	drainsToFD  flags = 1 << iota
	frontFrozen       // nothing may be taken from or put before the front
	backFrozen        // nothing may be put behind the back
	frontHeld         // the owner has frozen the front
	backHeld          // the owner has frozen the back
	owned             // the buffer is that of an Owned
	notSocket         // a descriptor was not that of a socket; no other is taken for one then
)

// New returns an empty buffer. It is the same as new(Buffer) (evbuffer_new).
func New() *Buffer { return new(Buffer) }

// Free empties the buffer, frozen or not, and sets it back to its zero value: without
// callbacks, lock, flags and limits. Callbacks are not told, and deferred calls
// that were due are dropped. A buffer that is empty and has no lock needs no
// Free; one with references or file segments does, because their cleanups run
// when the data is gone. The error is ErrOwned if the buffer is a part of another
// object, such as a stream; there is no other one (evbuffer_free).
func (b *Buffer) Free() error {
	defer b.enter().leave()
	if b.flags&owned != 0 {
		return opError("free", ErrOwned)
	}
	b.free()
	return nil
}

func (b *Buffer) free() {
	dead, spare := b.clear(0)
	if x := b.rare; x != nil {
		x.freed = true
		b.rare = nil
	}
	releaseAll(dead)
	releaseAll(spare)
}

// clear sets the buffer back to its zero value, but for its lock, and returns the chunks
// that are to be released. It keeps rare, which other goroutines may be
// looking at to find the lock.
func (b *Buffer) clear(f flags) (dead, spare *chunk) {
	dead, spare = b.first, b.spare()
	for e := b.callbacks; e != nil; e = e.next {
		e.removed = true
	}
	if x := b.rare; x != nil {
		x.cancelDeferral()
		x.spare = nil
		if x.unreported != nil {
			*x.unreported = unreported{}
		}
	}
	b.first, b.last, b.length = nil, nil, 0
	b.epoch++
	b.callbacks, b.observer = nil, nil
	b.maxRead, b.flags = 0, f
	return dead, spare
}

// Len returns the number of bytes in the buffer (evbuffer_get_length).
func (b *Buffer) Len() int {
	if b.rare == nil {
		return b.length
	}
	return b.lockedLen()
}

func (b *Buffer) lockedLen() int {
	defer b.enter().leave()
	return b.length
}

// ContiguousSpace returns the number of bytes at the front that lie together in
// memory, so that Pullup of as many costs nothing. Of a file to be sent from
// disk that is none, unless something has read it already
// (evbuffer_get_contiguous_space).
func (b *Buffer) ContiguousSpace() int {
	defer b.enter().leave()
	if b.first == nil || b.first.onDisk() {
		return 0
	}
	return b.first.len()
}

// A Flag is something about the use of a buffer that lets it do better.
type Flag uint

// DrainsToFD promises that data leaves the buffer mostly by WriteFD, or by being
// drained or moved unread. Files added to it stay on disk and go out by
// sendfile where the system has that. Reading them in other ways still works:
// they are mapped or read into memory then (EVBUFFER_FLAG_DRAINS_TO_FD).
const DrainsToFD Flag = 1

// SetFlags sets flags and leaves the others as they are. It fails with ErrFlag
// if there is no such flag (evbuffer_set_flags).
func (b *Buffer) SetFlags(f Flag) error { return b.changeFlags("set flags", f, drainsToFD) }

// ClearFlags clears flags and leaves the others as they are. It fails with
// ErrFlag if there is no such flag (evbuffer_clear_flags).
func (b *Buffer) ClearFlags(f Flag) error { return b.changeFlags("clear flags", f, 0) }

func (b *Buffer) changeFlags(op string, f Flag, to flags) error {
	if f&^DrainsToFD != 0 {
		return opError(op, ErrFlag)
	}
	defer b.enter().leave()
	if f&DrainsToFD != 0 {
		b.flags = b.flags&^drainsToFD | to
	}
	return nil
}

// DefaultMaxRead is the limit of one ReadFD, in bytes, for a buffer in which
// nothing else was set.
const DefaultMaxRead = 4096

// SetMaxRead limits how many bytes one ReadFD reads. More makes fewer calls for
// peers that send much; but each buffer with a large amount keeps others waiting.
// Zero restores DefaultMaxRead. The error is ErrRange for negative numbers and
// for those that need more than 31 bits (evbuffer_set_max_read).
func (b *Buffer) SetMaxRead(n int) error {
	if n < 0 || n > math.MaxInt32 {
		return opError("set max read", ErrRange)
	}
	defer b.enter().leave()
	b.maxRead = int32(n)
	return nil
}

// MaxRead returns the limit of one ReadFD in bytes (evbuffer_get_max_read).
func (b *Buffer) MaxRead() int {
	defer b.enter().leave()
	return b.readLimit()
}

func (b *Buffer) readLimit() int {
	if b.maxRead == 0 {
		return DefaultMaxRead
	}
	return int(b.maxRead)
}

// An End is one of the two ends of a buffer.
type End bool

// The ends of a buffer.
const (
	Front End = true  // where data is taken
	Back  End = false // where data is added
)

// frozen is the flag of an end that its user has frozen, held that of one that the
// owner of the buffer has.
func (e End) frozen() flags {
	if e == Front {
		return frontFrozen
	}
	return backFrozen
}

func (e End) held() flags {
	if e == Front {
		return frontHeld
	}
	return backHeld
}

// Freeze makes calls that change one end of the buffer fail with ErrFrozen
// until Unfreeze: at the front those that take or copy data and those that
// prepend it, at the back those that append. The error is ErrOwned if the object
// that the buffer is a part of has frozen that end (evbuffer_freeze).
func (b *Buffer) Freeze(e End) error {
	defer b.enter().leave()
	if b.flags&e.held() != 0 {
		return opError("freeze", ErrOwned)
	}
	b.flags |= e.frozen()
	return nil
}

// Unfreeze undoes Freeze, however often that was called. The error is that of
// Freeze (evbuffer_unfreeze).
func (b *Buffer) Unfreeze(e End) error {
	defer b.enter().leave()
	if b.flags&e.held() != 0 {
		return opError("unfreeze", ErrOwned)
	}
	b.flags &^= e.frozen()
	return nil
}

func (b *Buffer) frozen(e End) bool { return b.flags&(e.frozen()|e.held()) != 0 }
