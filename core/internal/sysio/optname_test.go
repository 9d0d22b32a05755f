package sysio

import (
	"syscall"
	"testing"
)

// The numbers of options that are the platform's have names that are everyone's.
func TestOptionsHaveNames(t *testing.T) {
	for _, tt := range []struct {
		level, option int
		want          OptionName
		text          string
	}{
		{syscall.SOL_SOCKET, soType, OptType, "SO_TYPE"},
		{syscall.SOL_SOCKET, soError, OptError, "SO_ERROR"},
		{syscall.SOL_SOCKET, soAcceptConn, OptAcceptConn, "SO_ACCEPTCONN"},
		{syscall.SOL_SOCKET, syscall.SO_REUSEADDR, OptReuseAddr, "SO_REUSEADDR"},
		{syscall.SOL_SOCKET, syscall.SO_SNDBUF, OptSendBuf, "SO_SNDBUF"},
		{syscall.SOL_SOCKET, syscall.SO_RCVBUF, OptReceiveBuf, "SO_RCVBUF"},
		{syscall.SOL_SOCKET, syscall.SO_LINGER, OptOther, "option"},
		{syscall.IPPROTO_TCP, syscall.TCP_NODELAY, OptNoDelay, "TCP_NODELAY"},
		{syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, OptV6Only, "IPV6_V6ONLY"},
		{syscall.IPPROTO_TCP, syscall.IPV6_V6ONLY + 1000, OptOther, "option"},
	} {
		want(t, tt.text, KnownOption(tt.level, tt.option), tt.want)
		want(t, "name", tt.want.String(), tt.text)
	}
	if ReusePort != 0 {
		want(t, "SO_REUSEPORT", KnownOption(syscall.SOL_SOCKET, ReusePort), OptReusePort)
	}
	want(t, "the option that there is not", KnownOption(syscall.SOL_SOCKET, 0), OptOther)
}

// Each name has a text, and no two the same.
func TestOptionNamesAreDistinct(t *testing.T) {
	seen := map[string]OptionName{}
	for o := OptOther; o <= OptQueueErrors; o++ {
		if before, twice := seen[o.String()]; twice || o.String() == "" {
			t.Errorf("option %d is called %q, as is %d", o, o, before)
		}
		seen[o.String()] = o
	}
}

// What a function of the package asks another system for has a name.
func TestOptionsOfOwnFunctionsHaveNames(t *testing.T) {
	o := &optionsAsked{}
	defer SetSystem(o)()
	for name, tt := range hookedCalls {
		o.asked = nil
		if name == "Option" || name == "SetOption" { // which ask for what their caller says
			continue
		}
		_ = tt.call() // it fails, or not; what it asks for counts
		for _, option := range o.asked {
			if option == OptOther {
				t.Errorf("%s asks for an option without a name", name)
			}
		}
	}
}

// optionsAsked is a system that has options, and nothing else.
type optionsAsked struct {
	refusing
	asked []OptionName
}

func (o *optionsAsked) Option(_, level, option int) (int, error) {
	o.asked = append(o.asked, KnownOption(level, option))
	if o.asked[len(o.asked)-1] == OptDomain {
		return syscall.AF_INET6, nil
	}
	return 0, nil
}

func (o *optionsAsked) SetOption(_, level, option, _ int) error {
	o.asked = append(o.asked, KnownOption(level, option))
	return nil
}
