package evthread

// Reset forgets every hook and turns debugging off.
func Reset() {
	locks.Store(nil)
	conditions.Store(nil)
	identity.Store(nil)
	debugging.Store(false)
}
