package message

import "errors"

// ErrInvalid is a name, value, method, target or phrase that HTTP does not allow.
var ErrInvalid = errors.New("invalid in HTTP")
