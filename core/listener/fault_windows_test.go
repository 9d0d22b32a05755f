package listener_test

import "golang.org/x/sys/windows"

// shortages are what accept says when descriptors or memory have run out.
var shortages = []error{windows.WSAEMFILE, windows.WSAENOBUFS}

// retriable is what it says about connections that have gone.
var retriable = []error{windows.WSAECONNRESET}
