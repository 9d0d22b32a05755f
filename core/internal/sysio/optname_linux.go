package sysio

import "golang.org/x/sys/unix"

// Numbers of options for TCP keep-alive.
const (
	KeepIdle     = unix.TCP_KEEPIDLE
	KeepInterval = unix.TCP_KEEPINTVL
	KeepCount    = unix.TCP_KEEPCNT
)

// ReusePort is the number of the option that spreads connections and datagrams over
// all sockets of a port, or 0 where there is none.
const ReusePort = unix.SO_REUSEPORT

var platformOptions = map[optionNumber]OptionName{
	{unix.SOL_SOCKET, ReusePort}:               OptReusePort,
	{unix.SOL_SOCKET, unix.SO_DOMAIN}:          OptDomain,
	{unix.IPPROTO_TCP, KeepIdle}:               OptKeepIdle,
	{unix.IPPROTO_TCP, KeepInterval}:           OptKeepInterval,
	{unix.IPPROTO_TCP, KeepCount}:              OptKeepCount,
	{unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT}:  OptDeferAccept,
	{unix.IPPROTO_IP, unix.IP_PKTINFO}:         OptTellLocal,
	{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO}: OptTellLocal,
	{unix.IPPROTO_IP, unix.IP_RECVERR}:         OptQueueErrors,
	{unix.IPPROTO_IPV6, unix.IPV6_RECVERR}:     OptQueueErrors,
}
