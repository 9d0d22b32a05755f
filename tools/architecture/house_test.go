package architecture

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is that of the repository, seen from here.
const root = "../.."

// libraries are the modules that users import, in the order of what they require.
var libraries = []string{"core", "openssl", "dns", "pthreads", "extra", "http", "rpc"}

// floors is the order of the packages of the libraries.
var floors = Floors{
	{"core/internal/evlog", "core/internal/kqueue", "core/internal/leak", "core/internal/sysio"},
	{"core/evthread", "core/evutil", "core/internal/poller"},
	{"core/event", "core/internal/simnet"},
	{"core/evbuffer", "core/datagram"},
	{"core/bridge"},
	{"core/bufferevent", "core/listener"},
	{"core/evtest"},
	{"pthreads", "extra/evtag", "extra/evproxy", "extra/evdeflate", "openssl/internal/blocking", "dns/internal/dnstest", "dns/internal/dnswire", "dns/internal/list", "http/internal/ascii", "http/internal/filepart"},
	{"openssl/evcert", "openssl/evtls", "extra/evfilter", "dns/evdns", "dns/evdnsserver", "http/evuri", "http/internal/message", "http/internal/cond"},
	{"http/internal/wire", "http/internal/route"},
	{"http/evhttp"},
	{"http/evfile", "http/evnethttp", "http/internal/servertest", "rpc/evrpc"},
	{"dns/internal/interop", "http/internal/interop", "rpc/internal/interop", "rpc/internal/messages"},
}

// seams are the interfaces that hide what implements them.
var seams = []Seam{
	{
		Package: "core/bufferevent", File: "transport.go", Interface: "Transport", Query: "As",
		Elsewhere: map[string]string{
			"interface{ConnectionState() crypto/tls.ConnectionState}": "core does not import crypto/tls",
			"openssl/evtls.connection":                                "what evtls's functions do with a TLS stream concerns evtls alone",
		},
	},
	{Package: "http/evhttp", File: "exchange.go", Interface: "exchange"},
	{Package: "http/evhttp", File: "server_session.go", Interface: "serverSession"},
	{Package: "http/evhttp", File: "client_session.go", Interface: "clientSession"},
	{Package: "http/evhttp", File: "client_exchange.go", Interface: "clientStream"},
}

// report fails a test for each problem.
func report(t *testing.T, problems []string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

func TestPackagesImportDownwards(t *testing.T) {
	problems, err := floors.Check(root, libraries)
	report(t, problems, err)
}

func TestNobodyAsksWhatStandsBehindASeam(t *testing.T) {
	report(t, loadLibraries(t).CheckSeams(seams), nil)
}

func TestThereIsOneWayToLog(t *testing.T) {
	// dnstest replaces the logger for a test.
	report(t, loadLibraries(t).CheckLogging("core/event", "core/internal/evlog", "dns/internal/dnstest"), nil)
}

func loadLibraries(t *testing.T) *Program {
	t.Helper()
	if loaded == nil {
		var patterns []string
		for _, library := range libraries {
			patterns = append(patterns, "./"+library+"/...")
		}
		var err error
		if loaded, err = Load(root, patterns...); err != nil {
			t.Fatal(err)
		}
	}
	return loaded
}

// loaded has the libraries once they were loaded.
var loaded *Program

// TestMapsAreTrue checks the map of each package with a doc.go, and that each package
// of a library has one.
func TestMapsAreTrue(t *testing.T) {
	for _, dir := range packages(t) {
		library := slices.Contains(libraries, strings.Split(dir, "/")[0])
		if _, err := os.Stat(filepath.Join(root, dir, "doc.go")); err != nil && !library {
			continue
		}
		problems, err := CheckMap(filepath.Join(root, dir))
		for i := range problems {
			problems[i] = dir + ": " + problems[i]
		}
		report(t, problems, err)
	}
}

// packages returns the folders with production files in Go.
func packages(t *testing.T) []string {
	t.Helper()
	tracked, err := Tracked(root)
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, name := range tracked {
		dir := filepath.ToSlash(filepath.Dir(name))
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !strings.Contains(name, "testdata/") && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func TestNoMergeIsUnfinished(t *testing.T) {
	tracked, err := Tracked(root)
	if err != nil {
		t.Fatal(err)
	}
	problems, err := CheckMarkers(root, tracked)
	report(t, problems, err)
}

func TestThePageOfTheArchitectureNamesWhatIsThere(t *testing.T) {
	problems, err := CheckPage(root, "docs/architecture.md")
	report(t, problems, err)
}

// words are those of persons, and riddles.
var words = Words{
	`[Nn]obody|[Ss]omebody|[Aa]nybody|[Ee]verybody|[Ss]omeone|[Aa]nyone|[Ee]veryone`: "name the goroutine, the peer, the caller, ...",
	`[Ww]hoever|[Ww]homever`:        "name the goroutine, the peer, the caller, ...",
	`without a word|as good as new`: "say what does not happen, or what is as before",
	`in whatever case`:              "say case-insensitively",
}

func TestCommentsSpeakOfTheCode(t *testing.T) {
	tracked, err := Tracked(root)
	if err != nil {
		t.Fatal(err)
	}
	var production []string
	for _, name := range tracked {
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !strings.Contains(name, "testdata/") {
			production = append(production, name)
		}
	}
	problems, err := words.CheckWords(root, production)
	report(t, problems, err)
}

func TestLinksInDocumentationLeadSomewhere(t *testing.T) {
	report(t, loadLibraries(t).CheckLinks(), nil)
}
