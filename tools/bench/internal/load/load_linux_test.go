package load

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/strace"
)

// roles are the servers that the test's program can be, by name.
var roles = map[string]func(){
	"echo":    func() { listen(func(conn net.Conn) { io.Copy(conn, conn) }) },
	"closing": func() { listen(func(conn net.Conn) { io.CopyN(io.Discard, conn, 64) }) },
	"lying": func() {
		listen(func(conn net.Conn) {
			buf := make([]byte, 64)
			for {
				if _, err := io.ReadFull(conn, buf); err != nil {
					return
				}
				buf[63]++
				conn.Write(buf)
			}
		})
	},
	"once": func() {
		listen(func(conn net.Conn) {
			io.CopyN(conn, conn, 64)
			io.CopyN(io.Discard, conn, 64)
		})
	},
	"garbage": func() { fmt.Println("hello"); io.Copy(io.Discard, os.Stdin) },
	"failing": func() { fmt.Fprintln(os.Stderr, "no luck"); os.Exit(1) },
	"unable":  func() { fmt.Fprintln(os.Stderr, "too small"); os.Exit(exitUnable) },
}

// listen serves connections until the standard input ends.
func listen(serve func(net.Conn)) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	io.Copy(io.Discard, os.Stdin)
}

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "flood" {
		if err := Flood(os.Args[2], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if serve, ok := roles[os.Getenv("LOAD_TEST_ROLE")]; ok {
		serve()
		return
	}
	os.Exit(m.Run())
}

// role returns the command of a server.
func role(t *testing.T, name string) []string {
	t.Setenv("LOAD_TEST_ROLE", name)
	return os.Args[:1]
}

// names returns the names of figures.
func names(figures []measure.Figure) string {
	var words []string
	for _, f := range figures {
		words = append(words, f.Name)
	}
	return strings.Join(words, ", ")
}

// find returns the value of a figure.
func find(t *testing.T, figures []measure.Figure, name string) float64 {
	t.Helper()
	for _, f := range figures {
		if f.Name == name {
			return f.Value
		}
	}
	t.Fatalf("figures %q, want %q among them", names(figures), name)
	return 0
}

func TestEchoMeasuresBothEnds(t *testing.T) {
	figures, err := Echo(role(t, "echo"), 64, 10, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rate", "server CPU", "median", "99.9th percentile", "server busy", "load busy"} {
		if v := find(t, figures, name); v <= 0 {
			t.Errorf("%s is %g, want something", name, v)
		}
	}
	if median, tail := find(t, figures, "median"), find(t, figures, "99.9th percentile"); median > tail {
		t.Errorf("median %g is above the 99.9th percentile %g", median, tail)
	}
}

func TestThroughputCountsAllBytes(t *testing.T) {
	figures, err := Throughput(role(t, "echo"), 10_000_000)
	if err != nil {
		t.Fatal(err)
	}
	if rate := find(t, figures, "rate"); rate <= 0 {
		t.Errorf("rate is %g, want something", rate)
	}
}

func TestRateIsComparedWithTheLimit(t *testing.T) {
	figures := rateFigures([]int{1_000_000, 3_000_000}, 1_000_000, usage{elapsed: 5 * time.Second, server: 8 * time.Millisecond})
	want := []measure.Figure{{Name: "rate", Value: 80}, {Name: "slowest", Value: 40}, {Name: "fastest", Value: 120}, {Name: "server CPU", Value: 2000}}
	for i, f := range want {
		if figures[i] != f {
			t.Errorf("figure %v, want %v", figures[i], f)
		}
	}
}

func TestRateLimitMeasuresAnUnlimitedServer(t *testing.T) {
	figures, err := RateLimit(role(t, "echo"), 2, 1, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if rate := find(t, figures, "rate"); rate <= 100 {
		t.Errorf("rate is %g %% of next to nothing, want more", rate)
	}
}

func TestMemoryGrowsWithConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for connections to be idle")
	}
	figures, err := Memory(role(t, "echo"), 500)
	if errors.Is(err, measure.ErrUnable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	// A goroutine has a stack of 2 kB at least.
	if memory := find(t, figures, "memory"); memory < 1000 {
		t.Errorf("%g B a connection, want those of a goroutine at least", memory)
	}
}

func TestMemoryNeedsDescriptors(t *testing.T) {
	if _, err := Memory(role(t, "echo"), 2_000_000_000); !errors.Is(err, measure.ErrUnable) {
		t.Errorf("error %v, want %v", err, measure.ErrUnable)
	}
}

func TestSyscallsAreCountedByName(t *testing.T) {
	const messages = 500
	figures, err := Syscalls(role(t, "echo"), 64, 5, messages)
	if errors.Is(err, measure.ErrUnable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if all := find(t, figures, "all calls"); all < 2 {
		t.Errorf("%g calls a message, want reading and writing at least", all)
	}
}

func TestRareCallsHaveNoFigureOfTheirOwn(t *testing.T) {
	figures := perMessage([]strace.Count{{Name: "read", Calls: 1000}, {Name: "write", Calls: 2000}, {Name: "futex", Calls: 1}}, 1000)
	want := "[{all calls 3.001} {rare calls 0.001} {read 1} {write 2}]"
	if got := fmt.Sprint(figures); got != want {
		t.Errorf("figures %s, want %s", got, want)
	}
}

func TestServersThatFailAreErrors(t *testing.T) {
	tests := []struct {
		role string
		want string
	}{
		{"closing", "the server closed the connection"},
		{"lying", "another message came back"},
		{"once", "the server closed the connection"},
		{"garbage", `server printed "hello\n"`},
		{"failing", "no luck"},
	}
	for _, test := range tests {
		t.Run(test.role, func(t *testing.T) {
			_, err := Echo(role(t, test.role), 64, 2, time.Second)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestServersThatAreUnableSaySo(t *testing.T) {
	_, err := Throughput(role(t, "unable"), 1)
	if !errors.Is(err, measure.ErrUnable) || !strings.Contains(err.Error(), "too small") {
		t.Errorf("error %v, want %v with the reason", err, measure.ErrUnable)
	}
}

func TestThereMustBeAServer(t *testing.T) {
	if _, err := Echo(nil, 64, 1, time.Second); err == nil {
		t.Error("no server was taken for one")
	}
	if _, err := Echo([]string{"/no/such/program"}, 64, 1, time.Second); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want %v", err, os.ErrNotExist)
	}
}
