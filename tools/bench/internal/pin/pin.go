// Package pin keeps a process on certain processors, where the system can do
// that (Linux).
package pin

import "errors"

// ErrTooFew says that this process may not use as many processors as asked for.
var ErrTooFew = errors.New("not enough processors")
