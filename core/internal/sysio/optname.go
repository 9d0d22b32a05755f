package sysio

import "syscall"

// An OptionName is an option of a socket, whatever its numbers are on this system.
type OptionName int

// The options that packages of the module ask for or set.
const (
	OptOther        OptionName = iota // any that is not named here
	OptType                           // SO_TYPE
	OptError                          // SO_ERROR: the error that is pending, and clears it
	OptAcceptConn                     // SO_ACCEPTCONN: whether the socket listens
	OptDomain                         // SO_DOMAIN: the family of addresses; Linux
	OptReuseAddr                      // SO_REUSEADDR
	OptReusePort                      // SO_REUSEPORT, where it spreads connections
	OptKeepAlive                      // SO_KEEPALIVE
	OptReceiveBuf                     // SO_RCVBUF
	OptSendBuf                        // SO_SNDBUF
	OptNoDelay                        // TCP_NODELAY
	OptKeepIdle                       // TCP_KEEPIDLE, in seconds
	OptKeepInterval                   // TCP_KEEPINTVL, in seconds
	OptKeepCount                      // TCP_KEEPCNT
	OptDeferAccept                    // TCP_DEFER_ACCEPT, in seconds; Linux
	OptV6Only                         // IPV6_V6ONLY
	OptTellLocal                      // IP_PKTINFO or IPV6_RECVPKTINFO: see TellLocal; Linux
	OptQueueErrors                    // IP_RECVERR or IPV6_RECVERR: see QueueErrors; Linux
)

var optionNames = [...]string{
	OptOther:        "option",
	OptType:         "SO_TYPE",
	OptError:        "SO_ERROR",
	OptAcceptConn:   "SO_ACCEPTCONN",
	OptDomain:       "SO_DOMAIN",
	OptReuseAddr:    "SO_REUSEADDR",
	OptReusePort:    "SO_REUSEPORT",
	OptKeepAlive:    "SO_KEEPALIVE",
	OptReceiveBuf:   "SO_RCVBUF",
	OptSendBuf:      "SO_SNDBUF",
	OptNoDelay:      "TCP_NODELAY",
	OptKeepIdle:     "TCP_KEEPIDLE",
	OptKeepInterval: "TCP_KEEPINTVL",
	OptKeepCount:    "TCP_KEEPCNT",
	OptDeferAccept:  "TCP_DEFER_ACCEPT",
	OptV6Only:       "IPV6_V6ONLY",
	OptTellLocal:    "IP_PKTINFO",
	OptQueueErrors:  "IP_RECVERR",
}

// String returns the name that the manuals have; of an option that IPv4 and IPv6
// have alike, that of IPv4.
func (o OptionName) String() string { return optionNames[o] }

type optionNumber struct{ level, option int }

// options has the numbers of the options that all systems have.
var options = map[optionNumber]OptionName{
	{syscall.SOL_SOCKET, soType}:                OptType,
	{syscall.SOL_SOCKET, soError}:               OptError,
	{syscall.SOL_SOCKET, soAcceptConn}:          OptAcceptConn,
	{syscall.SOL_SOCKET, syscall.SO_REUSEADDR}:  OptReuseAddr,
	{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE}:  OptKeepAlive,
	{syscall.SOL_SOCKET, syscall.SO_RCVBUF}:     OptReceiveBuf,
	{syscall.SOL_SOCKET, syscall.SO_SNDBUF}:     OptSendBuf,
	{syscall.IPPROTO_TCP, syscall.TCP_NODELAY}:  OptNoDelay,
	{syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY}: OptV6Only,
}

// KnownOption returns the name of the option with these numbers, so that a System
// need not know those of each platform.
func KnownOption(level, option int) OptionName {
	if option == 0 { // that of the options which there are not, see ReusePort
		return OptOther
	}
	n := optionNumber{level, option}
	if o, ok := options[n]; ok {
		return o
	}
	return platformOptions[n]
}
