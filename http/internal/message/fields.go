package message

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
// by commas such as "Connection: close, upgrade", have this member,
// case-insensitively.
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
		member, rest = NextMember(rest)
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
				member, list = NextMember(list)
				if len(member) > 0 && !yield(member) {
					return
				}
			}
		}
	}
}

// NextMember returns the first member of a list, without space around it, and
// the rest, which is nil after the last member.
func NextMember(list []byte) (member, rest []byte) {
	end := bytes.IndexByte(list, ',')
	if end < 0 {
		end = len(list)
	} else {
		rest = list[end+1:]
	}
	from, to := Trim(list, 0, end)
	return list[from:to:to], rest
}

// Trim removes space and tabs at both ends of b[from:to].
func Trim(b []byte, from, to int) (int, int) {
	for from < to && IsSpace(b[from]) {
		from++
	}
	for from < to && IsSpace(b[to-1]) {
		to--
	}
	return from, to
}

// IsSpace reports whether c is a space or a tab.
func IsSpace(c byte) bool { return c == ' ' || c == '\t' }

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

// Text returns the memory that the names and values lie in, with everything else that
// was appended to it.
func (f *Fields) Text() []byte { return f.text }

// AppendText appends to the text, for a parser that adds the fields in it with
// AddParsed.
func (f *Fields) AppendText(p []byte) { f.text = append(f.text, p...) }

// Keep declares the first n bytes of the text to be no fields, but the first line of
// a head, which no change to the fields moves.
func (f *Fields) Keep(n int) { f.kept = n }

// AddParsed adds a field that a parser has found and checked, whose name and value
// lie in the text, or will be there before the fields are looked at.
func (f *Fields) AddParsed(known Name, name, value Span) {
	n := len(f.list)
	if n < cap(f.list) {
		f.list = f.list[:n+1]
	} else {
		f.list = append(f.list, field{})
	}
	e := &f.list[n]
	e.name, e.nameLen = name.From, name.To-name.From
	e.value, e.valueLen = value.From, value.To-value.From
	e.known = known
	f.seen |= 1 << known
}

// ExtendLast appends a part of the text to the value of the last field, together with
// what lies between the two: a field line that was folded has the end of a line there.
func (f *Fields) ExtendLast(more Span) {
	e := &f.list[len(f.list)-1]
	if e.valueLen == 0 {
		e.value = more.From
	}
	e.valueLen = more.To - e.value
}

// NameAt returns which known name field i has, or Other.
func (f *Fields) NameAt(i int) Name { return f.list[i].known }
