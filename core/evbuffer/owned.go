package evbuffer

// An Owned is a buffer that is a part of a larger object, such as a stream, whose
// users work with the Buffer in it: they add data at one end, or take it from the
// other. What would make the object stall or break is not for them. Free of the Buffer
// fails with ErrOwned, and so do Freeze and Unfreeze of an end that the owner has
// frozen. The methods of Owned are for the owner.
//
// The zero value is an empty buffer without an owner until Own is called.
type Owned struct{ Buffer }

// Own makes o the owner of the buffer, and its observer, in place of the one before. The
// owner may be nil.
func (b *Owned) Own(o Observer) {
	defer b.enter().leave()
	b.flags |= owned
	b.observer = o
}

// Freeze freezes an end of the buffer for its users, which cannot unfreeze it. They
// can freeze the other one, and unfreeze that.
func (b *Owned) Freeze(e End) { b.hold(e.held(), e.held()) }

// Unfreeze undoes Freeze, however often that was called; what users have frozen
// stays so. While the owner works at that end so can all others, callbacks of
// the buffer in particular.
func (b *Owned) Unfreeze(e End) { b.hold(e.held(), 0) }

// hold changes the flags in f to those in to.
func (b *Owned) hold(f, to flags) {
	if b.rare == nil {
		b.flags = b.flags&^f | to
	} else {
		b.lockedHold(f, to)
	}
}

func (b *Owned) lockedHold(f, to flags) {
	defer b.enter().leave()
	b.flags = b.flags&^f | to
}

// Free is that of Buffer, after which the buffer has no owner.
func (b *Owned) Free() {
	defer b.enter().leave()
	b.free()
}

// Retire is Free for the buffer of an object that has ended while others may still
// use the buffer: it keeps its lock, and both of its ends are frozen, so that they
// get errors, whichever goroutine they run in.
func (b *Owned) Retire() {
	defer b.enter().leave()
	dead, spare := b.clear(owned | frontHeld | backHeld)
	releaseAll(dead)
	releaseAll(spare)
}
