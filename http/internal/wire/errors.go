package wire

import (
	"errors"
	"fmt"
)

// A refusal is a reason to refuse a message.
type refusal struct {
	status int // what to answer, if the message is a request
	text   string
}

func (r *refusal) Error() string { return r.text }

// Reasons to refuse a message, to be told apart with errors.Is.
var (
	ErrRequestLine      error = &refusal{400, "malformed request line"}
	ErrMethod           error = &refusal{400, "invalid method"}
	ErrTarget           error = &refusal{400, "invalid request target"}
	ErrStatusLine       error = &refusal{400, "malformed status line"}
	ErrLineEnd          error = &refusal{400, "line does not end in CR LF"}
	ErrFieldName        error = &refusal{400, "invalid field name"}
	ErrNoColon          error = &refusal{400, "field line without a colon"}
	ErrFieldValue       error = &refusal{400, "control character in a field value"}
	ErrFold             error = &refusal{400, "folded field line"}
	ErrHost             error = &refusal{400, "missing, repeated or invalid Host"}
	ErrContentLength    error = &refusal{400, "invalid or repeated Content-Length"}
	ErrTransferEncoding error = &refusal{400, "invalid or repeated Transfer-Encoding"}
	ErrTwoLengths       error = &refusal{400, "both Content-Length and Transfer-Encoding"}
	ErrUnexpectedBody   error = &refusal{400, "a message of this kind has no body"}
	ErrChunk            error = &refusal{400, "malformed chunk"}
	ErrTrailer          error = &refusal{400, "field not allowed in a trailer"}
	ErrBodyTooLarge     error = &refusal{413, "body too large"}
	ErrExtensions       error = &refusal{413, "chunk extensions too large"}
	ErrLineTooLong      error = &refusal{414, "first line too long"}
	ErrHeaderTooLarge   error = &refusal{431, "header too large"}
	ErrTooManyFields    error = &refusal{431, "too many fields"}
	ErrTrailerTooLarge  error = &refusal{431, "trailer too large"}
	ErrTransferCoding   error = &refusal{501, "unsupported transfer coding"}
	ErrVersion          error = &refusal{505, "unsupported HTTP version"}
)

// An Error says why a message was refused.
type Error struct {
	Err  error  // one of the reasons above
	Line int    // the number of the line of the head, from 1, or 0
	Text string // the beginning of the line or value in question
}

func (e *Error) Error() string {
	switch {
	case e.Line > 0 && e.Text != "":
		return fmt.Sprintf("line %d: %v: %q", e.Line, e.Err, e.Text)
	case e.Line > 0:
		return fmt.Sprintf("line %d: %v", e.Line, e.Err)
	case e.Text != "":
		return fmt.Sprintf("%v: %q", e.Err, e.Text)
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// StatusOf returns the status code to answer to a request that was refused with
// err, or 0 if err is not of this package.
func StatusOf(err error) int {
	var r *refusal
	if errors.As(err, &r) {
		return r.status
	}
	return 0
}

// maxErrorText is the most bytes of a message that an Error quotes.
const maxErrorText = 64

func refuse(reason error, line int, text []byte) error {
	return &Error{Err: reason, Line: line, Text: string(text[:min(len(text), maxErrorText)])}
}
