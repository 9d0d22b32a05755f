package listener

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/go-libevent/libevent/core/evutil"
)

// An InheritedFD is a descriptor that a service manager has opened for the
// program before it started it.
type InheritedFD struct {
	FD   int
	Name string // what the service manager calls it; "unknown" if it does not
}

// firstInherited is where a service manager puts the descriptors: behind the
// standard ones.
const firstInherited = 3

// Inherited returns the descriptors that a service manager hands over, in its
// order, by systemd's protocol for socket activation (sd_listen_fds): the
// environment variable LISTEN_FDS has their number, LISTEN_PID the process they
// are meant for, and LISTEN_FDNAMES their names, separated by colons. There are
// none if the variables are missing or are meant for another process.
//
// The descriptors are made close-on-exec and the variables removed, so that
// neither gets to the programs that this one starts, and a second call returns
// none. They are the caller's to close; those that are listening stream sockets
// are for New, with a backlog of zero and, usually, CloseOnFree.
//
// Inherited may be called from any goroutine, before anything else that reads
// or changes these variables. If a descriptor is not open, or the variables
// make no sense, it returns an error and nothing else.
func Inherited() ([]InheritedFD, error) {
	pid, count, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	if pid != strconv.Itoa(os.Getpid()) || count == "" {
		return nil, nil
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name) // the name has no invalid character
	}
	fds, err := inheritedFDs(count, names)
	if err != nil {
		return nil, fmt.Errorf("listener: inherited descriptors: %w", err)
	}
	return fds, nil
}

func inheritedFDs(count, names string) ([]InheritedFD, error) {
	n, err := strconv.Atoi(count)
	if err == nil && n < 0 {
		err = ErrRange
	}
	if err != nil {
		return nil, fmt.Errorf("LISTEN_FDS=%s: %w", count, err)
	}
	var named []string
	if names != "" {
		named = strings.Split(names, ":")
		if len(named) != n {
			return nil, fmt.Errorf("LISTEN_FDNAMES=%s: %d names for %d descriptors", names, len(named), n)
		}
	}
	var fds []InheritedFD
	for i := range n {
		in := InheritedFD{FD: firstInherited + i, Name: "unknown"}
		if named != nil {
			in.Name = named[i]
		}
		if err := evutil.SetCloseOnExec(in.FD); err != nil {
			return nil, err
		}
		fds = append(fds, in)
	}
	return fds, nil
}
