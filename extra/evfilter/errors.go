package evfilter

import "errors"

// ErrConfig is a configuration that cannot be used.
var ErrConfig = errors.New("invalid configuration")
