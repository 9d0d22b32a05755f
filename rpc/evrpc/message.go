package evrpc

import (
	"fmt"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// A Message is a request or a reply. Command evrpcgen generates such types from files
// that describe them; any other type that knows how to encode itself will do.
type Message interface {
	// Reset makes the message empty. It may keep memory.
	Reset()
	// Complete returns an error that names a field that has to be set and is not.
	Complete() error
	// AppendTo appends the encoding of the message to out, which need not be empty. An
	// error leaves out as it was.
	AppendTo(out *evbuffer.Buffer) error
	// Unmarshal decodes all of in, and takes it. Peers have sent that: what is not a
	// complete message of the type is an error, after which the message is empty.
	Unmarshal(in *evbuffer.Buffer) error
}

// MessageOf is what a pointer to T is if it is a Message. The functions with type
// parameters need it to make messages; it is inferred.
type MessageOf[T any] interface {
	*T
	Message
}

// pathPrefix is what the paths of RPCs begin with, which have the name behind.
const pathPrefix = "/.rpc."

// maxName is how long the name of an RPC may be, in bytes.
const maxName = 255

// checkName returns ErrInvalid for what cannot be the name of an RPC: those of C are
// identifiers; dots and hyphens do no harm.
func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("name of %d bytes: %w", len(name), ErrInvalid)
	}
	for i := range len(name) {
		if !isNameByte(name[i]) {
			return fmt.Errorf("name %q: %w", name, ErrInvalid)
		}
	}
	return nil
}

func isNameByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '_' || c == '.' || c == '-'
}
