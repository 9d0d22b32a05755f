package evdns

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
)

var (
	oracleRounds = flag.Int("oracle.rounds", 200, "configurations to compare with C libevent")
	oracleSeed   = flag.Uint64("oracle.seed", 1, "seed of the first configuration")
)

// TestConfiguresAsC configures a resolver here and one of libevent in the same
// way, at random, and compares what comes of it. What differs on purpose, and
// is said to where it is documented, is left out: ndots that search clears, dots
// and the root as search domains, comments at the end of lines, and text that
// only C takes for numbers or addresses.
func TestConfiguresAsC(t *testing.T) {
	oracle := buildOracle(t)
	m := &configMachine{t: t, folder: TempDir(t)}
	for i := range *oracleRounds {
		m.rand = rand.New(rand.NewPCG(*oracleSeed+uint64(i), 0))
		m.configure()
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	cmd := exec.CommandContext(ctx, oracle)
	cmd.Stdin = strings.NewReader(m.script.String())
	theirs, err := cmd.Output() // warnings go elsewhere
	if err != nil {
		t.Errorf("oracle: %v", err)
	}
	m.compare(string(theirs))
}

// buildOracle compiles the program that does the same in C.
func buildOracle(t *testing.T) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	oracle := filepath.Join(TempDir(t), "oracle")
	out, err := exec.Command(cc, "-O1", "-o", oracle, "testdata/config.c", "-levent_extra", "-levent_core").CombinedOutput()
	if err == nil {
		return oracle
	}
	if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
		t.Fatalf("cannot build the oracle: %v\n%s", err, out)
	}
	t.Skipf("needs a C compiler and libevent: %v", err)
	return ""
}

// A configMachine carries out the oracle's operations on this package.
type configMachine struct {
	t       *testing.T
	rand    *rand.Rand
	folder  string
	files   int
	base    *Base
	script  strings.Builder // for the oracle
	results []string        // of each operation
}

func (m *configMachine) compare(theirs string) {
	scan := bufio.NewScanner(strings.NewReader(theirs))
	operations := strings.Split(strings.TrimSuffix(m.script.String(), "\n"), "\n")
	for i, ours := range m.results {
		scan.Scan()
		if their := tidy(scan.Text()); their != ours {
			m.t.Fatalf("%s\nGo: %s\nC:  %s", m.context(operations[:i+1]), ours, their)
		}
	}
	m.t.Logf("%d operations, all the same", len(m.results))
}

// context returns the operations since the last new resolver, with files.
func (m *configMachine) context(operations []string) string {
	start := len(operations) - 1
	for operations[start] != "new" {
		start--
	}
	var text strings.Builder
	for _, operation := range operations[start:] {
		fmt.Fprintf(&text, "%s\n", operation)
		for field := range strings.SplitSeq(operation, "\t") {
			if content, err := os.ReadFile(field); err == nil {
				fmt.Fprintf(&text, "%q\n", content)
			}
		}
	}
	return text.String()
}

// tidy makes up for what does not matter: C gives an address of a host as often
// as it stands in a hosts file, and numbers nameservers in a strange order.
func tidy(line string) string {
	words := strings.Split(line, " ")
	switch words[0] {
	case "lookup":
		var once []string
		for _, word := range words {
			if !slices.Contains(once, word) {
				once = append(once, word)
			}
		}
		words = once
	case "resolv":
		slices.Sort(words[2:])
	}
	return strings.Join(words, " ")
}

// did notes an operation and what came of it.
func (m *configMachine) did(result string, operation ...string) {
	m.script.WriteString(strings.Join(operation, "\t") + "\n")
	m.results = append(m.results, tidy(strings.TrimSpace(operation[0]+" "+result)))
}

// configure makes a resolver, configures it and looks what has come of it.
func (m *configMachine) configure() {
	m.base = newTestBase(m.t, 0)
	if err := m.base.SetOption("address-order", "as-answered"); err != nil {
		m.t.Fatal(err)
	}
	m.did("", "new")
	searches := m.resolvConf()
	if m.rand.IntN(2) == 0 {
		m.hosts()
	}
	for range m.rand.IntN(4) {
		m.search()
		searches = true
	}
	if searches && m.rand.IntN(2) == 0 {
		n := m.rand.IntN(4)
		if err := m.base.SetNdots(n); err != nil {
			m.t.Fatal(err)
		}
		m.did("", "ndots", strconv.Itoa(n))
	}
	for range 5 {
		m.option()
	}
	for range 3 {
		m.names()
	}
}

func (m *configMachine) pick(from ...string) string { return from[m.rand.IntN(len(from))] }

func (m *configMachine) file(text string) string {
	m.files++
	name := filepath.Join(m.folder, strconv.Itoa(m.files))
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return name
}

// resolvConf parses a resolv.conf, and returns whether it says what to search.
func (m *configMachine) resolvConf() (searches bool) {
	var text strings.Builder
	blank := func() string { return m.pick(" ", "\t", "  ", " \t ") }
	for range m.rand.IntN(8) {
		text.WriteString(m.pick("", "", " ", "\t"))
		switch m.rand.IntN(7) {
		case 0, 1:
			text.WriteString("nameserver" + blank() + m.nameserver() + m.pick("", blank(), " 192.0.2.99"))
		case 2:
			text.WriteString("search")
			for range 1 + m.rand.IntN(3) {
				text.WriteString(blank() + m.domain())
			}
			searches = true
		case 3:
			text.WriteString("domain" + blank() + m.domain() + m.pick("", " other.example"))
			searches = true
		case 4:
			text.WriteString(m.pick("# nameserver 192.0.2.98", ";search x", "sortlist 1.2.3.4", "lookup file bind", "nameservers 1.2.3.4", "Search x"))
		case 5:
			text.WriteString("options" + blank() + m.pick("timeout:2", "attempts:x rotate", "edns0", "no-such:1 timeout:-1", "max-inflight:3"))
		case 6: // an empty line
		}
		text.WriteString("\n")
	}
	if searches && m.rand.IntN(2) == 0 {
		text.WriteString("options" + blank() + "ndots:" + m.pick("0", "1", "2", "3"))
	}
	name := m.file(text.String())
	if m.rand.IntN(10) == 0 {
		name = filepath.Join(m.folder, "missing")
		searches = false
	}
	flags := []OptionFlags{OptionsAll, OptionSearch | OptionNameservers, OptionNameservers | OptionNameserversNoDefault, OptionSearch, OptionMisc}[m.rand.IntN(5)] &^ OptionHostsFile
	err := m.base.ParseResolvConf(flags, name)
	code, _ := errors.AsType[ConfigErr](err)
	result := strconv.Itoa(int(code))
	for i := range m.base.CountNameservers() {
		addr, err := m.base.NameserverAddr(i)
		if err != nil {
			m.t.Fatal(err)
		}
		result += " " + addr.String()
	}
	m.did(result, "resolv", strconv.Itoa(int(flags)), name)
	return searches && flags&OptionSearch != 0
}

func (m *configMachine) nameserver() string {
	return m.pick("192.0.2.1", "192.0.2.2", "192.0.2.3:5353", "[2001:db8::1]:53", "2001:db8::2", "[2001:db8::3]",
		"192.0.2.4:0", "192.0.2.5:99999", "192.0.2", "x", "2001:db8::2::3", "[2001:db8::1")
}

func (m *configMachine) domain() string {
	return m.pick("a.example", "b.example", ".c.example", "d", "very.long.domain.with.many.labels.example")
}

// hosts loads a hosts file and looks names up.
func (m *configMachine) hosts() {
	var text strings.Builder
	for range m.rand.IntN(8) {
		text.WriteString(m.pick("", " ", "\t"))
		text.WriteString(m.pick("127.0.0.1", "::1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "[2001:db8::2]", "192.0.2.3:80", "x", "#", "192.0.2"))
		for range m.rand.IntN(4) {
			text.WriteString(m.pick(" ", "\t", "  ") + m.pick("local-host", "a.example", "B.example", "c", "d#e", "#c", "#"))
		}
		text.WriteString("\n")
	}
	name := m.file(text.String())
	if m.rand.IntN(8) == 0 {
		name = filepath.Join(m.folder, "missing")
	}
	result := "0"
	if err := m.base.LoadHosts(name); err != nil {
		result = "-1"
	}
	m.did(result, "hosts", name)
	for _, family := range []string{"0", "4", "6"} {
		for _, host := range []string{"local-host", "A.EXAMPLE", "b.example", "c", "d", "e"} {
			m.lookup(family, host)
		}
	}
}

func (m *configMachine) lookup(family, host string) {
	hints := evutil.AddrInfoHints{SockType: syscall.SOCK_STREAM}
	hints.Family = map[string]int{"0": syscall.AF_UNSPEC, "4": syscall.AF_INET, "6": syscall.AF_INET6}[family]
	result := "unknown"
	cancel := m.base.GetAddrInfo(host, "80", &hints, func(infos []evutil.AddrInfo, err error) {
		result = ""
		for _, info := range infos {
			result += " " + info.Addr.String()
		}
		if errors.Is(err, evutil.EAIAddrFamily) {
			result = "other family"
		}
	})
	cancel()
	m.did(strings.TrimSpace(result), "lookup", family, host)
}

func (m *configMachine) search() {
	if m.rand.IntN(4) == 0 {
		m.base.ClearSearch()
		if err := m.base.SetNdots(defaultNdots); err != nil { // which C does
			m.t.Fatal(err)
		}
		m.did("", "clear")
		return
	}
	domain := m.domain()
	if err := m.base.AddSearch(domain); err != nil {
		m.t.Fatal(err)
	}
	m.did("", "search", domain)
}

// option sets an option that libevent 2.1 has, to what both understand.
func (m *configMachine) option() {
	name := m.pick("ndots", "timeout", "getaddrinfo-allow-skew", "max-timeouts", "max-inflight", "attempts", "randomize-case", "initial-probe-timeout") + m.pick("", ":")
	value := m.pick("2", "3", "1000", "-1", "x", "1x") // with 1 in flight C can forget a search
	if strings.HasPrefix(name, "ndots") {
		value = m.pick("x", "-1", "1x") // others would not outlive a change of the search domains
	}
	result := "0"
	if err := m.base.SetOption(name, value); err != nil {
		result = "-1"
	}
	m.did(result, "option", name, value)
}

func (m *configMachine) names() {
	name := m.pick("host", "host.sub", "host.sub.sub", "HOST", "a.b.c.d")
	first, rest := m.base.search.names(name, &m.base.config.Config)
	m.did(strings.Join(append([]string{first}, rest...), " "), "names", name)
}
