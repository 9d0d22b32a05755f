package message

import (
	"fmt"

	"github.com/go-libevent/libevent/http/internal/ascii"
)

// What Reset keeps for the next message.
const (
	keepText   = 4 << 10
	keepFields = 64
)

// Reset removes all fields. Memory of ordinary size is kept for the next ones.
func (f *Fields) Reset() {
	f.text, f.list = f.text[:0], f.list[:0]
	if cap(f.text) > keepText {
		f.text = nil
	}
	if cap(f.list) > keepFields {
		f.list = nil
	}
	f.seen, f.kept, f.dead = 0, 0, 0
}

// Add appends a field. The error is ErrInvalid if the name is not a token, or
// the value has control characters or space at its ends; that includes the ends
// of lines.
func (f *Fields) Add(name, value string) error {
	if err := CheckField(name, value); err != nil {
		return fmt.Errorf("add field: %w", err)
	}
	f.add(name, value)
	return nil
}

func (f *Fields) add(name, value string) {
	f.compact()
	at := len(f.text)
	f.text = append(f.text, name...)
	f.text = append(f.text, value...)
	f.AddParsed(NameOf(name), SpanOf(at, at+len(name)), SpanOf(at+len(name), len(f.text)))
}

// Set gives the first field of this name a new value and removes the others of
// the name, or adds the field if there is none. The error is as for Add.
func (f *Fields) Set(name, value string) error {
	if err := CheckField(name, value); err != nil {
		return fmt.Errorf("set field: %w", err)
	}
	i := f.Index(name, 0)
	if i < 0 {
		f.add(name, value)
		return nil
	}
	f.removeFrom(name, i+1)
	f.compact()
	e := &f.list[i]
	f.dead += int(e.valueLen)
	if len(value) > int(e.valueLen) {
		e.value = uint32(len(f.text))
		f.text = append(f.text, value...)
	} else {
		f.dead -= copy(f.text[e.value:], value)
	}
	e.valueLen = uint32(len(value))
	return nil
}

// Remove removes all fields of this name and returns how many there were.
func (f *Fields) Remove(name string) int {
	n := f.removeFrom(name, 0)
	f.seen &^= 1 << NameOf(name)
	return n
}

// removeFrom removes the fields of a name from index i on.
func (f *Fields) removeFrom(name string, i int) int {
	i = f.Index(name, i)
	if i < 0 {
		return 0
	}
	kept := f.list[:i]
	for ; i < len(f.list); i++ {
		e := f.list[i]
		if ascii.EqualFold(f.nameAt(&e), name) {
			f.dead += int(e.nameLen + e.valueLen)
			continue
		}
		kept = append(kept, e)
	}
	n := len(f.list) - len(kept)
	f.list = kept
	return n
}

// compact moves the text together if more of it is dead than alive, so that
// changing one field again and again takes no more and more memory.
func (f *Fields) compact() {
	if f.dead < keepText || f.dead < len(f.text)/2 {
		return
	}
	text := make([]byte, 0, len(f.text)-f.dead)
	text = append(text, f.text[:f.kept]...)
	for i := range f.list {
		e := &f.list[i]
		name, value := f.nameAt(e), f.valueAt(e)
		e.name = uint32(len(text))
		text = append(text, name...)
		e.value = uint32(len(text))
		text = append(text, value...)
	}
	f.text, f.dead = text, 0
}

// CheckField returns an error that is ErrInvalid if a field of this name and value
// cannot be sent.
func CheckField(name, value string) error {
	if !ValidToken(name) {
		return fmt.Errorf("name %q: %w", name, ErrInvalid)
	}
	if !ValidValue(value) {
		return fmt.Errorf("value %q of %s: %w", value, name, ErrInvalid)
	}
	return nil
}

// ValidToken reports whether s is a token, as methods and field names are (RFC 9110,
// section 5.6.2).
func ValidToken(s string) bool { return ascii.IsToken(s) }

// ValidValue reports whether s can be a field value: it has no control characters but
// tabs, and neither begins nor ends with space (RFC 9110, section 5.5).
func ValidValue(s string) bool {
	return ascii.All(s, ascii.ValueByte) && (s == "" || !IsSpace(s[0]) && !IsSpace(s[len(s)-1]))
}

// CheckRequest returns an error that is ErrInvalid if a request cannot have this method
// or target: the one is not a token, or the other empty or with bytes that no target has.
func CheckRequest(method, target string) error {
	if !ValidToken(method) {
		return fmt.Errorf("write method %q: %w", method, ErrInvalid)
	}
	if target == "" || !ascii.All(target, ascii.TargetByte) {
		return fmt.Errorf("write request target %q: %w", target, ErrInvalid)
	}
	return nil
}
