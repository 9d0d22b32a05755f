package list

// Links are the place of an object of type E in a list.
type Links[E any] struct{ next, prev *E }

// A Linker finds the links of an object.
type Linker[E any] interface{ Of(e *E) *Links[E] }

// A List is a list of objects, whose links L finds. The zero value is empty.
type List[E any, L Linker[E]] struct {
	linker      L // has no size
	first, last *E
	n           int
}

// First returns the first object, or nil.
func (l *List[E, L]) First() *E { return l.first }

// Last returns the last object, or nil.
func (l *List[E, L]) Last() *E { return l.last }

// Len returns the number of objects.
func (l *List[E, L]) Len() int { return l.n }

// Next returns the object after e, or nil.
func (l *List[E, L]) Next(e *E) *E { return l.linker.Of(e).next }

// Prev returns the object before e, or nil.
func (l *List[E, L]) Prev(e *E) *E { return l.linker.Of(e).prev }

// Contains reports whether e, which is in this list or in none, is in it.
func (l *List[E, L]) Contains(e *E) bool { return l.first == e || l.linker.Of(e).prev != nil }

// Push puts e, which is in no list, at the end.
func (l *List[E, L]) Push(e *E) { l.InsertAfter(l.last, e) }

// InsertAfter puts e, which is in no list, after at, or first if that is nil.
func (l *List[E, L]) InsertAfter(at, e *E) {
	links := l.linker.Of(e)
	links.prev = at
	if at == nil {
		links.next, l.first = l.first, e
	} else {
		before := l.linker.Of(at)
		links.next, before.next = before.next, e
	}
	if links.next == nil {
		l.last = e
	} else {
		l.linker.Of(links.next).prev = e
	}
	l.n++
}

// Remove takes out e, which is in the list.
func (l *List[E, L]) Remove(e *E) {
	links := l.linker.Of(e)
	if links.prev == nil {
		l.first = links.next
	} else {
		l.linker.Of(links.prev).next = links.next
	}
	if links.next == nil {
		l.last = links.prev
	} else {
		l.linker.Of(links.next).prev = links.prev
	}
	*links = Links[E]{}
	l.n--
}
