package simnet_test

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// address returns what a word of a script stands for.
func (p *runner) address(word string) sysio.Sockaddr {
	if fd, ok := p.fds[word]; ok {
		sa, err := sysio.Sockname(fd)
		if err != nil {
			p.t.Fatalf("address of %s: %v", word, err)
		}
		return sa
	}
	if !strings.Contains(word, ":") {
		path := p.path(word)
		p.paths[path] = word
		return sysio.UnixSockaddr(path)
	}
	sa, err := sysio.AddrPortToSockaddr(p.endpoint(word))
	if err != nil {
		p.t.Fatal(err)
	}
	return sa
}

// path returns the path of a Unix socket. One that begins with @ is an abstract name.
func (p *runner) path(word string) string {
	if p.place == "" {
		p.place = p.folder()
	}
	if abstract, ok := strings.CutPrefix(word, "@"); ok {
		return "@" + p.place + abstract
	}
	return filepath.Join(p.place, word)
}

// endpoint returns an address of the internet, or none for -.
func (p *runner) endpoint(word string) netip.AddrPort {
	if word == "-" {
		return netip.AddrPort{}
	}
	if fd, ok := p.fds[word]; ok {
		word = p.addrPort(p.local(fd))
	}
	i := strings.LastIndexByte(word, ':')
	addr, err := netip.ParseAddr(strings.Trim(word[:i], "[]"))
	if err != nil {
		p.t.Fatal(err)
	}
	port := word[i+1:]
	for n, name := range p.ports {
		if name == port {
			port = strconv.Itoa(int(n))
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		p.t.Fatalf("port of %s: %v", word, err)
	}
	return netip.AddrPortFrom(addr, uint16(n))
}

// local returns the address of a socket, or zero.
func (p *runner) local(fd int) netip.AddrPort {
	sa, err := sysio.Sockname(fd)
	if err != nil {
		return netip.AddrPort{}
	}
	addr, _ := sysio.SockaddrToAddrPort(sa) // zero for a Unix socket
	return addr
}

// learn makes the name of a socket that of its port, if it has got one.
func (p *runner) learn(name string) {
	port := p.local(p.fd(name)).Port()
	if _, known := p.ports[port]; port != 0 && !known {
		p.ports[port] = name
	}
}

// addrPort undoes endpoint.
func (p *runner) addrPort(addr netip.AddrPort) string {
	name, ok := p.ports[addr.Port()]
	if !ok {
		return addr.String()
	}
	host := addr.Addr().String()
	if addr.Addr().Is6() {
		host = "[" + host + "]"
	}
	return host + ":" + name
}

func tells(name func(int) (sysio.Sockaddr, error)) func(*runner, []string) string {
	return func(p *runner, args []string) string {
		sa, err := name(p.fd(args[0]))
		if err != nil {
			return result(err)
		}
		if path, ok := sysio.UnixPath(sa); ok {
			if path == "" || path == "@" { // which is what the kernel's is taken for
				return "unnamed"
			}
			return p.paths[path]
		}
		addr, err := sysio.SockaddrToAddrPort(sa)
		if err != nil {
			return result(err)
		}
		return p.addrPort(addr)
	}
}

func (p *runner) sendto(args []string) string {
	var local netip.Addr
	if len(args) > 3 {
		local = netip.MustParseAddr(args[3])
	}
	m := sysio.NewMessages(1)
	if err := m.Set(0, p.text(args[2]), p.endpoint(args[1]), local); err != nil {
		return result(err)
	}
	_, err := sysio.SendMessages(p.fd(args[0]), m, 1)
	p.learn(args[0])
	return result(err)
}

func (p *runner) recvfrom(args []string) string {
	m, room := sysio.NewMessages(1), make([]byte, p.number(args[1]))
	m.SetRoom(0, room)
	if _, err := sysio.RecvMessages(p.fd(args[0]), m); err != nil {
		return result(err)
	}
	r := m.Received(0)
	words := []string{quote(room[:r.N])}
	if r.Peer.IsValid() {
		words = append(words, "from "+p.addrPort(r.Peer))
	}
	if r.Local.IsValid() {
		words = append(words, "to "+r.Local.String())
	}
	if r.Truncated {
		words = append(words, "truncated")
	}
	return strings.Join(words, " ")
}

func (p *runner) queued(args []string) string {
	e, err := sysio.RecvError(p.fd(args[0]))
	if err != nil {
		return result(err)
	}
	words := []string{result(e.Err)}
	if e.Peer.IsValid() {
		words = append(words, "to "+p.addrPort(e.Peer))
	}
	if e.From.IsValid() {
		words = append(words, "from "+e.From.String())
	}
	if e.MTU != 0 {
		words = append(words, fmt.Sprintf("MTU %d", e.MTU))
	}
	return strings.Join(words, " ")
}

// received receives what there is.
func (p *runner) received(args []string) string {
	count := 0
	for {
		_, err := sysio.Recv(p.fd(args[0]), [][]byte{make([]byte, 1)})
		if err != nil {
			break
		}
		count++
	}
	switch {
	case count == 0:
		return "none"
	case count < p.number(args[1]):
		return "fewer"
	default:
		return "all"
	}
}
