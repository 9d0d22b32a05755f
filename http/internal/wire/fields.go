package wire

import (
	"bytes"
	"iter"

	"github.com/go-libevent/libevent/http/internal/ascii"
)

// Fields is a list of header or trailer fields in the order in which they came
// or were added. Names are looked up in any case. The text of all of them lies
// in one piece of memory, which is used again after Reset; so what the methods
// return is valid until the next change. The zero value is an empty list.
type Fields struct {
	text []byte
	list []field
	seen uint32 // a bit for each Name that is in the list
	kept int    // the bytes at the front of text that are not of fields
	dead int    // the bytes of text that no field uses any more
}

// A field says where in the text its name and value are.
type field struct {
	name, nameLen   uint32
	value, valueLen uint32
	known           Name
}

// Len returns the number of fields.
func (f *Fields) Len() int { return len(f.list) }

// At returns the name and value of field i.
func (f *Fields) At(i int) (name, value []byte) {
	return f.nameAt(&f.list[i]), f.valueAt(&f.list[i])
}

func (f *Fields) nameAt(e *field) []byte {
	return f.text[e.name : e.name+e.nameLen : e.name+e.nameLen]
}

func (f *Fields) valueAt(e *field) []byte {
	return f.text[e.value : e.value+e.valueLen : e.value+e.valueLen]
}

// All yields the names and values of all fields.
func (f *Fields) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for i := range f.list {
			if !yield(f.nameAt(&f.list[i]), f.valueAt(&f.list[i])) {
				return
			}
		}
	}
}

// Get returns the value of the first field of this name, or nil if there is
// none. An empty value is not nil.
func (f *Fields) Get(name string) []byte {
	i := f.Index(name, 0)
	if i < 0 {
		return nil
	}
	return f.valueAt(&f.list[i])
}

// Has reports whether there is a field of this name.
func (f *Fields) Has(name string) bool { return f.Index(name, 0) >= 0 }

// Index returns the index of the first field of this name from index i on, or
// -1 if there is none.
func (f *Fields) Index(name string, i int) int {
	if n := NameOf(name); n != Other {
		return f.IndexKnown(n, i)
	}
	for ; i < len(f.list); i++ {
		e := &f.list[i]
		if int(e.nameLen) == len(name) && ascii.EqualFold(f.nameAt(e), name) {
			return i
		}
	}
	return -1
}

// Contains reports whether there is a field of a known name.
func (f *Fields) Contains(n Name) bool { return f.seen&(1<<n) != 0 }

// GetKnown is Get for a known name.
func (f *Fields) GetKnown(n Name) []byte {
	i := f.IndexKnown(n, 0)
	if i < 0 {
		return nil
	}
	return f.valueAt(&f.list[i])
}

// IndexKnown is Index for a known name.
func (f *Fields) IndexKnown(n Name, i int) int {
	if !f.Contains(n) {
		return -1
	}
	for ; i < len(f.list); i++ {
		if f.list[i].known == n {
			return i
		}
	}
	return -1
}

// Values yields the values of all fields of this name.
func (f *Fields) Values(name string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := f.Index(name, 0); i >= 0; i = f.Index(name, i+1) {
			if !yield(f.valueAt(&f.list[i])) {
				return
			}
		}
	}
}

// HasToken reports whether the fields of this name, which are lists separated
// by commas such as "Connection: close, upgrade", have this member, in whatever
// case.
func (f *Fields) HasToken(name, token string) bool {
	for i := f.Index(name, 0); i >= 0; i = f.Index(name, i+1) {
		if hasToken(f.valueAt(&f.list[i]), token) {
			return true
		}
	}
	return false
}

// HasTokenKnown is HasToken for a known name.
func (f *Fields) HasTokenKnown(n Name, token string) bool {
	for i := f.IndexKnown(n, 0); i >= 0; i = f.IndexKnown(n, i+1) {
		if hasToken(f.valueAt(&f.list[i]), token) {
			return true
		}
	}
	return false
}

func hasToken(list []byte, token string) bool {
	for rest := list; rest != nil; {
		var member []byte
		member, rest = nextMember(rest)
		if ascii.EqualFold(member, token) {
			return true
		}
	}
	return false
}

// Tokens yields the members of the lists that the fields of this name are, for
// lists whose members have no commas in quotes. Empty members, which mean
// nothing, are left out.
func (f *Fields) Tokens(name string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for list := range f.Values(name) {
			for list != nil {
				var member []byte
				member, list = nextMember(list)
				if len(member) > 0 && !yield(member) {
					return
				}
			}
		}
	}
}

// nextMember returns the first member of a list, without space around it, and
// the rest, which is nil after the last member.
func nextMember(list []byte) (member, rest []byte) {
	end := bytes.IndexByte(list, ',')
	if end < 0 {
		end = len(list)
	} else {
		rest = list[end+1:]
	}
	from, to := trim(list, 0, end)
	return list[from:to:to], rest
}

// AppendTo appends all field lines to dst.
func (f *Fields) AppendTo(dst []byte) []byte {
	for i := range f.list {
		e := &f.list[i]
		dst = append(dst, f.nameAt(e)...)
		dst = append(dst, ": "...)
		dst = append(dst, f.valueAt(e)...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// parseLine adds the field line buf[begin:end], which is without its end. The
// fields' text must be, or become, buf.
func (f *Fields) parseLine(buf []byte, begin, end int) error {
	line := buf[begin:end]
	n := 0
	for n < len(line) && ascii.Is(line[n], ascii.TokenByte) {
		n++
	}
	switch {
	case n == len(line):
		return ErrNoColon
	case n == 0 && isSpace(line[0]):
		return ErrFold
	case n == 0 || line[n] != ':':
		return ErrFieldName
	}
	from, to := trim(line, n+1, len(line))
	if !validBytes(line[from:to]) {
		return ErrFieldValue
	}
	f.append(NameOf(line[:n]), begin, n, begin+from, to-from)
	return nil
}

// append adds an entry to the list.
func (f *Fields) append(known Name, name, nameLen, value, valueLen int) {
	n := len(f.list)
	if n < cap(f.list) {
		f.list = f.list[:n+1]
	} else {
		f.list = append(f.list, field{})
	}
	e := &f.list[n]
	e.name, e.nameLen = uint32(name), uint32(nameLen)
	e.value, e.valueLen = uint32(value), uint32(valueLen)
	e.known = known
	f.seen |= 1 << known
}
