package evutil_test

import (
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// optionNames is a system that notes which options of sockets it is asked to set.
type optionNames struct {
	sysio.System
	set []sysio.OptionName
}

func (o *optionNames) SetOption(_, level, option, _ int) error {
	o.set = append(o.set, sysio.KnownOption(level, option))
	return nil
}

// A simulated system knows the options that functions set by their names.
func TestOptionsHaveNames(t *testing.T) {
	o := &optionNames{}
	defer sysio.SetSystem(o)()
	for name, set := range map[string]func() error{
		"SetListenReuseAddr":   func() error { return evutil.SetListenReuseAddr(1) },
		"SetListenReusePort":   func() error { _ = evutil.SetListenReusePort(1); return nil }, // where there is one
		"SetListenIPv6Only":    func() error { return evutil.SetListenIPv6Only(1) },
		"SetListenNotIPv6Only": func() error { return evutil.SetListenNotIPv6Only(1) },
		"SetListenDeferred":    func() error { return evutil.SetListenDeferred(1) },
		"SetTCPNoDelay":        func() error { return evutil.SetTCPNoDelay(1, true) },
		"SetTCPKeepAlive":      func() error { return evutil.SetTCPKeepAlive(1, true, time.Minute) },
	} {
		o.set = nil
		if err := set(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, option := range o.set {
			if option == sysio.OptOther {
				t.Errorf("%s sets an option without a name", name)
			}
		}
	}
}
