package loop

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/event"
)

const (
	// waitTime is how long messages are exchanged, and messageSize how long
	// they are.
	waitTime    = time.Second
	messageSize = 64
)

// Wait measures an echo server whose loop waits by parking its goroutine or,
// with block, by blocking a thread of its own. self is this program, whose
// measurement "wait-server" is WaitServer.
func Wait(self []string, conns int, block bool) ([]Figure, error) {
	server := exec.Command(self[0], append(self[1:], "wait-server", strconv.Itoa(boolToInt(block)))...)
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	latencies, err := exchangeWith(bufio.NewReader(stdout), conns)
	stdin.Close() // ends the server
	if err := errors.Join(err, server.Wait()); err != nil {
		return nil, err
	}
	cpu := server.ProcessState.UserTime() + server.ProcessState.SystemTime()
	slices.Sort(latencies)
	return []Figure{
		{Name: "server CPU", Value: float64(cpu.Nanoseconds()) / 1000 / float64(len(latencies))},
		{Name: "median", Value: quantile(latencies, 0.5)},
		{Name: "99.9th percentile", Value: quantile(latencies, 0.999)},
	}, nil
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// exchangeWith reads the server's address and exchanges messages with it.
func exchangeWith(output *bufio.Reader, conns int) ([]float64, error) {
	line, err := output.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	return exchange(strings.TrimSpace(line), conns)
}

// client is one connection of the load.
type client struct {
	conn net.Conn
	fd   int
	sent time.Time
	got  int
}

// exchange keeps one message under way on each connection and returns how long
// each took, in microseconds. It drives epoll by hand, to stay out of the way.
func exchange(addr string, conns int) ([]float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer unix.Close(epfd)
	clients := make([]client, conns)
	for i := range clients {
		if err := clients[i].open(addr, epfd, i); err != nil {
			return nil, err
		}
		defer clients[i].conn.Close()
	}
	var latencies []float64
	message := make([]byte, messageSize)
	for i := range clients {
		if err := clients[i].send(message); err != nil {
			return nil, err
		}
	}
	events := make([]unix.EpollEvent, 1024)
	for end := time.Now().Add(waitTime); time.Now().Before(end); {
		n, err := unix.EpollWait(epfd, events, 1000)
		if err != nil && err != unix.EINTR {
			return nil, err
		}
		for _, e := range events[:max(n, 0)] {
			c := &clients[e.Fd]
			done, err := c.receive(message)
			if err != nil {
				return nil, err
			}
			if done {
				latencies = append(latencies, float64(time.Since(c.sent).Nanoseconds())/1000)
				if err := c.send(message); err != nil {
					return nil, err
				}
			}
		}
	}
	return latencies, nil
}

func (c *client) open(addr string, epfd, index int) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	c.conn = conn
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	if err := raw.Control(func(fd uintptr) { c.fd = int(fd) }); err != nil {
		return err
	}
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(index)}
	return unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, c.fd, &ev)
}

func (c *client) send(message []byte) error {
	c.sent, c.got = time.Now(), 0
	_, err := unix.Write(c.fd, message)
	return err
}

func (c *client) receive(buf []byte) (done bool, err error) {
	n, err := unix.Read(c.fd, buf)
	if err != nil || n == 0 {
		return false, fmt.Errorf("server closed the connection: %w", err)
	}
	c.got += n
	return c.got == messageSize, nil
}

// WaitServer echoes on raw events until its standard input ends. It prints its
// address first.
func WaitServer(block bool) error {
	runtime.GOMAXPROCS(1)
	var cfg event.Config
	if block {
		cfg.Flags = event.LockThread
	}
	base, err := event.NewBaseWithConfig(&cfg)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		bufio.NewReader(os.Stdin).ReadByte()
		base.LoopExit(0)
	}()
	if err := acceptOn(base, listener.(*net.TCPListener)); err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	_, err = base.Loop(event.LoopNoExitOnEmpty)
	return err
}

func acceptOn(base *event.Base, listener *net.TCPListener) error {
	raw, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	var ev *event.Event
	var failed error
	err = raw.Control(func(fd uintptr) {
		ev, failed = base.NewEvent(int(fd), event.Read|event.Persist, onConnection)
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	return ev.Add()
}

func onConnection(ev *event.Event, _ event.What) {
	fd, _, err := unix.Accept4(ev.FD(), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return
	}
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	conn, err := ev.Base().NewEvent(fd, event.Read|event.Persist, onMessage)
	if err == nil {
		err = conn.Add()
	}
	if err != nil {
		unix.Close(fd)
	}
}

func onMessage(ev *event.Event, _ event.What) {
	var buf [messageSize]byte
	n, err := unix.Read(ev.FD(), buf[:])
	if err == unix.EAGAIN {
		return
	}
	if err != nil || n == 0 {
		fd := ev.FD()
		ev.Free()
		unix.Close(fd)
		return
	}
	unix.Write(ev.FD(), buf[:n]) // one message fits, or the client notices
}
