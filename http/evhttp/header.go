package evhttp

import (
	"iter"

	"github.com/go-libevent/libevent/http/internal/message"
)

// Header is a list of header or trailer fields, in the order in which they came
// or were added. Names are found in any case, and may occur more than once
// (struct evkeyvalq).
//
// A string that a method returns is a copy of its own. The header itself is part
// of a request, and ends with it.
type Header message.Fields

func (h *Header) fields() *message.Fields { return (*message.Fields)(h) }

// Find returns the value of the first field of this name, and whether there is
// one (evhttp_find_header).
func (h *Header) Find(name string) (value string, ok bool) {
	v := h.fields().Get(name)
	return string(v), v != nil
}

// Get returns the value of the first field of this name, or nothing.
func (h *Header) Get(name string) string { return string(h.fields().Get(name)) }

// GetBytes is Get without a copy: the result is valid until the header changes
// or the request ends, and nil if there is no such field.
func (h *Header) GetBytes(name string) []byte { return h.fields().Get(name) }

// HasToken reports whether a field that is a list, such as Connection or
// Accept-Encoding, has a member, case-insensitively.
func (h *Header) HasToken(name, token string) bool { return h.fields().HasToken(name, token) }

// Values yields the values of all fields of this name.
func (h *Header) Values(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for v := range h.fields().Values(name) {
			if !yield(string(v)) {
				return
			}
		}
	}
}

// All yields the names and values of all fields.
func (h *Header) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for name, value := range h.fields().All() {
			if !yield(string(name), string(value)) {
				return
			}
		}
	}
}

// Len returns the number of fields.
func (h *Header) Len() int { return h.fields().Len() }

// Add appends a field. The error is ErrInvalid if the name is not a token, or
// the value has control characters or space at its ends, so that no value can
// end a line and begin another (evhttp_add_header).
func (h *Header) Add(name, value string) error { return h.fields().Add(name, value) }

// Set replaces all fields of this name by one. The error is as for Add.
func (h *Header) Set(name, value string) error { return h.fields().Set(name, value) }

// Remove removes all fields of this name and returns how many there were; in C
// it is one at a time (evhttp_remove_header).
func (h *Header) Remove(name string) int { return h.fields().Remove(name) }

// Clear removes all fields (evhttp_clear_headers).
func (h *Header) Clear() { h.fields().Reset() }
