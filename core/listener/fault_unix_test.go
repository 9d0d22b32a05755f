//go:build unix

package listener_test

import "golang.org/x/sys/unix"

// shortages are what accept says when descriptors or memory have run out.
var shortages = []error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM}

// retriable is what it says about connections that have gone.
var retriable = []error{unix.ECONNABORTED}
