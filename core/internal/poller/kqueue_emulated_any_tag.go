//go:build linux && kqueue_emulation && !kqueue_openbsd && !kqueue_netbsd

package poller

const onlySystem = "" // KQUEUE_SYSTEM says
