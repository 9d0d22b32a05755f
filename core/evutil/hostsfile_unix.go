//go:build unix

package evutil

func hostsFile() string { return "/etc/hosts" }
