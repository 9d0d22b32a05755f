package evutil

import "golang.org/x/sys/unix"

// soReusePort is not SO_REUSEPORT, which does not spread the load here.
const soReusePort = unix.SO_REUSEPORT_LB
