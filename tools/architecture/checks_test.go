package architecture

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// standard finds the packages of the standard library, from their source.
var (
	standardFiles = token.NewFileSet()
	standard      = importer.ForCompiler(standardFiles, "source", nil)
)

// program makes a program of packages, each a list of files by name in one text, which
// lines "-- package/name.go --" divide.
func program(t *testing.T, text string) *Program {
	t.Helper()
	fset := standardFiles
	p := NewProgram(standard, fset)
	var paths []string
	files := make(map[string][]*ast.File)
	parts := regexp.MustCompile(`(?m)^-- (.*)/(.*) --\n`).FindAllStringSubmatchIndex(text, -1)
	for i, part := range parts {
		end := len(text)
		if i+1 < len(parts) {
			end = parts[i+1][0]
		}
		path, name := text[part[2]:part[3]], text[part[4]:part[5]]
		file, err := parser.ParseFile(fset, name, text[part[1]:end], parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
		files[path] = append(files[path], file)
	}
	for _, path := range paths {
		if err := p.Add(Prefix+path, files[path]); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// stream declares a seam with two capabilities, and a query.
const stream = `
-- stream/seam.go --
package stream

type Transport interface{ Write() }

// Limiter has limits.
type Limiter interface{ Limit() }

// Moving can move. Only a socket does: a pair has no base.
type Mover interface{ Move() }

func As[T any](t Transport) (T, bool) {
	found, ok := any(t).(T)
	return found, ok
}
-- stream/socket.go --
package stream

type Socket struct{}

func (*Socket) Write() {}
func (*Socket) Limit() {}
func (*Socket) Move()  {}

func of(t Transport) bool {
	s, ok := t.(*Socket)
	return ok && s != nil
}
-- stream/pair.go --
package stream

type pair struct{}

func (*pair) Write() {}
func (*pair) Limit() {}
`

var streamSeam = Seam{
	Package: "stream", File: "seam.go", Interface: "Transport", Query: "As",
	Elsewhere: map[string]string{
		"user.Encrypted":           "its method has a type that package stream does not import",
		"interface{Name() string}": "the same",
	},
}

func TestNobodyLooksBehindASeam(t *testing.T) {
	for what, tt := range map[string]struct {
		code string // of a package that uses stream
		want string // in the problem, or nothing
	}{
		"a listed capability":         {`func f(t stream.Transport) { _ = t.(stream.Limiter) }`, ""},
		"a query for a capability":    {`func f(t stream.Transport) { stream.As[stream.Limiter](t) }`, ""},
		"one declared by its user":    {`type Encrypted interface{ TLS() }; func f(t stream.Transport) { stream.As[Encrypted](t) }`, ""},
		"one without a name":          {`func f(t stream.Transport) { stream.As[interface{ Name() string }](t) }`, ""},
		"a query passed on":           {`func f[T any](t stream.Transport) { stream.As[T](t) }`, ""},
		"something else":              {`func f(t error) { _ = t.(interface{ Timeout() bool }) }`, ""},
		"nil":                         {`func f(t stream.Transport) bool { switch t.(type) { case nil: return true }; return t == nil }`, ""},
		"the same stream":             {`func f(a, b stream.Transport) bool { return a == b }`, ""},
		"an assertion":                {`func f(t stream.Transport) { _ = t.(*stream.Socket) }`, "asks whether a Transport is a Socket"},
		"after a conversion":          {`func f(t stream.Transport) { _ = any(t).(*stream.Socket) }`, "asks whether a Transport is a Socket"},
		"of a capability":             {`func f(l stream.Limiter) { _ = l.(*stream.Socket) }`, "asks whether a Transport is a Socket"},
		"a type switch":               {`func f(t stream.Transport) { switch t.(type) { case nil: case *stream.Socket: } }`, "asks whether a Transport is a Socket"},
		"a type switch that assigns":  {`func f(t stream.Transport) { switch t := t.(type) { case *stream.Socket: _ = t } }`, "asks whether a Transport is a Socket"},
		"an interface of one's own":   {`type mine interface{ Limit() }; func f(t stream.Transport) { _ = t.(mine) }`, "for mine, which is not in the list"},
		"an interface without a name": {`func f(t stream.Transport) { _ = t.(interface{ Limit() }) }`, "a type without a name"},
		"a query for a type":          {`func f(t stream.Transport) { stream.As[*stream.Socket](t) }`, "which is not in the list"},
		"a query for what is unknown": {`type mine interface{ Limit() }; func f(t stream.Transport) { stream.As[mine](t) }`, "which is not in the list"},
		"another query":               {`func f[T any](t stream.Transport) { _ = any(t).(T) }`, "a type of its caller's"},
		"a comparison":                {`func f(t stream.Transport, s *stream.Socket) bool { return t == s }`, "compares a Transport"},
		"a comparison of types":       {`func f(t stream.Transport) { reflect.TypeOf(t) }`, "reflects on a Transport"},
	} {
		t.Run(what, func(t *testing.T) {
			p := program(t, stream+"-- user/user.go --\npackage user\n\nimport (\n\t\"reflect\"\n\t\""+Prefix+"stream\"\n)\n\nvar _ = reflect.TypeOf(1)\nvar _ stream.Transport\n\n"+tt.code+"\n")
			problems := p.CheckSeams([]Seam{streamSeam})
			if tt.want == "" && len(problems) > 0 || tt.want != "" && (len(problems) != 1 || !strings.Contains(problems[0], tt.want)) {
				t.Errorf("problems %q, want %q", problems, tt.want)
			}
		})
	}
}

func TestACapabilityOfOneTypeSaysWhy(t *testing.T) {
	p := program(t, strings.Replace(stream, "Only a", "A", 1))
	problems := p.CheckSeams([]Seam{streamSeam})
	if len(problems) != 1 || !strings.Contains(problems[0], "1 types have capability Mover") {
		t.Errorf("problems %q", problems)
	}
}

func TestASeamThatIsGoneIsMissed(t *testing.T) {
	p := program(t, stream)
	for _, s := range []Seam{{Package: "stream", File: "pair.go", Interface: "Transport"}, {Package: "streams", File: "seam.go", Interface: "Transport"}} {
		if problems := p.CheckSeams([]Seam{s}); len(problems) != 1 {
			t.Errorf("%+v: problems %q", s, problems)
		}
	}
}

func TestMessagesGoOneWay(t *testing.T) {
	for code, want := range map[string]string{
		`func f(l *slog.Logger) { l.Info("x", slog.Int("n", 1)) }`:         "",
		`func f() { slog.Info("x") }`:                                      "logs by slog.Info",
		`func f() { slog.New(nil) }`:                                       "logs by slog.New",
		`func f() { log.Print("x") }`:                                      "logs by log.Print",
		`func f() { fmt.Fprintln(os.Stderr, "x") }`:                        "logs by os.Stderr",
		`func f() { println("x") }`:                                        "calls println",
		`func print(string) {}; func f() { print("not the builtin one") }`: "",
	} {
		p := program(t, "-- user/user.go --\npackage user\n\nimport (\n\"fmt\"\n\"os\"\n\"log\"\n\"log/slog\"\n)\n\nvar _, _ = fmt.Sprint, os.Args\nvar _ *log.Logger\nvar _ slog.Level\n\n"+code+"\n")
		problems := p.CheckLogging()
		if want == "" && len(problems) > 0 || want != "" && (len(problems) != 1 || !strings.Contains(problems[0], want)) {
			t.Errorf("%s: problems %q, want %q", code, problems, want)
		}
		if problems := p.CheckLogging("user"); len(problems) > 0 {
			t.Errorf("%s: problems %q of a package that may", code, problems)
		}
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	for comment, want := range map[string]string{
		"F is like [G].": "",
		"F makes a [T], whose [T.M] has [T.Name].":                                                 "",
		"F uses [io.Reader] and [io.Reader.Read]. [len] is nobody's, [http.Handler] not imported.": "",
		"\tF := a[I]":      "",
		"F is like [H].":   "the link [H] leads nowhere",
		"F calls [T.N].":   "the link [T.N] leads nowhere",
		"F has [io.Read].": "the link [io.Read] leads nowhere",
	} {
		p := program(t, "-- user/user.go --\npackage user\n\nimport \"io\"\n\ntype T struct{ Name string }\n\nfunc (*T) M() {}\nfunc G(io.Reader) {}\n\n// "+comment+"\nfunc F() {}\n")
		problems := p.CheckLinks()
		if want == "" && len(problems) > 0 || want != "" && (len(problems) != 1 || !strings.Contains(problems[0], want)) {
			t.Errorf("%s: problems %q, want %q", comment, problems, want)
		}
	}
}

func TestImportsPointDownwards(t *testing.T) {
	floors := Floors{{"core/ground"}, {"core/event", "core/buffer"}, {"http/server"}, {"core/gone"}}
	for what, tt := range map[string]struct{ file, imports, want string }{
		"downwards":                {"core/event/a.go", "core/ground", ""},
		"far downwards":            {"http/server/a.go", "core/ground", ""},
		"upwards":                  {"core/ground/a.go", "core/event", "core/ground imports core/event, which stands above it"},
		"sideways":                 {"core/event/a.go", "core/buffer", "core/event imports core/buffer, which stands beside it"},
		"on another platform":      {"core/ground/a_plan9.go", "core/event", "core/ground imports core/event, which stands above it"},
		"in a test":                {"core/ground/a_test.go", "core/event", ""},
		"from a package unlisted":  {"core/new/a.go", "core/event", "core/new stands on no floor"},
		"of a package of somebody": {"core/ground/a.go", "", ""},
	} {
		t.Run(what, func(t *testing.T) {
			root := t.TempDir()
			for _, name := range []string{"core/ground/x.go", "core/event/x.go", "core/buffer/x.go", "http/server/x.go", tt.file} {
				writeFile(t, root, name, "package p\n")
			}
			imported := "fmt"
			if tt.imports != "" {
				imported = Prefix + tt.imports
			}
			writeFile(t, root, tt.file, "package p\n\nimport _ \""+imported+"\"\n")
			problems, err := floors.Check(root, []string{"core", "http"})
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"core/gone stands on a floor, but there is no such package"}
			if tt.want != "" {
				want = append(want, tt.want)
			}
			slices.Sort(want)
			if !slices.Equal(problems, want) {
				t.Errorf("problems %q, want %q", problems, want)
			}
		})
	}
}

func TestMapsNameEachFile(t *testing.T) {
	for what, tt := range map[string]struct {
		text string
		want []string
	}{
		"a whole one":      {"# Files\n\n\ta.go  what is first\n\tb_*.go  by platform\n", nil},
		"two in a line":    {"# Files\n\n\ta.go, b_linux.go  both\n\tb_windows.go  the third\n", nil},
		"one is missing":   {"# Files\n\n\ta.go  what is first\n\tb_linux.go  a part\n", []string{"the map does not name b_windows.go"}},
		"one too many":     {"# Files\n\n\ta.go, b_*.go  all\n\tc.go  what was\n", []string{"the map names c.go, which is not there"}},
		"code before it":   {"\tx.go\n\n# Files\n\n\t*.go  all\n", nil},
		"no map":           {"It is small.", []string{"doc.go does not end with a map of the files"}},
		"without a doc.go": {"", []string{"there is no doc.go"}},
	} {
		t.Run(what, func(t *testing.T) {
			root := t.TempDir()
			for _, name := range []string{"a.go", "a_test.go", "b_linux.go", "b_windows.go"} {
				writeFile(t, root, name, "package p\n")
			}
			if tt.text != "" {
				writeFile(t, root, "doc.go", "/*\nPackage p is one.\n\n"+tt.text+"*/\npackage p\n")
			}
			problems, err := CheckMap(root)
			if err != nil || !slices.Equal(problems, tt.want) {
				t.Errorf("problems %q, error %v, want %q", problems, err, tt.want)
			}
		})
	}
}

func TestConflictMarkersAreFound(t *testing.T) {
	root := t.TempDir()
	writeFile(t, root, "whole.md", "a\n=======\nb\n"+strings.Repeat("<", 8)+"\n")
	writeFile(t, root, "ours", "a\n"+strings.Repeat("<", 7)+" HEAD\n")
	writeFile(t, root, "theirs", strings.Repeat(">", 7)+" theirs\n")
	problems, err := CheckMarkers(root, []string{"whole.md", "ours", "theirs", "deleted"})
	want := []string{"ours:2: holds a conflict marker", "theirs:1: holds a conflict marker"}
	if err != nil || !slices.Equal(problems, want) {
		t.Errorf("problems %q, error %v", problems, err)
	}
}

func TestCommentsAreRefusedByTheirWords(t *testing.T) {
	root := t.TempDir()
	words := Words{"[Nn]obody|[Ss]omebody": "name it", "without a word": "say what"}
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"good.go":   {"package p\n\n// f returns an error if the peer is a nobodyish.\nfunc f() { _ = \"nobody\" }\n", nil},
		"person.go": {"package p\n\n// f is called by Nobody.\nfunc f() {}\n", []string{"person.go:3: a comment says \"Nobody\": name it"}},
		"wrapped.go": {"package p\n\nfunc f() {\n\t// It ends without\n\t// a word.\n}\n",
			[]string{"wrapped.go:4: a comment says \"without\\na word\": say what"}},
	} {
		writeFile(t, root, name, tt.text)
		problems, err := words.CheckWords(root, []string{name, "deleted.go"})
		if err != nil || !slices.Equal(problems, tt.want) {
			t.Errorf("%s: problems %q, error %v, want %q", name, problems, err, tt.want)
		}
	}
}

func TestPagesNameWhatIsThere(t *testing.T) {
	root := t.TempDir()
	writeFile(t, root, "core/event/loop.go", "package event\n")
	writeFile(t, root, "page.md", "`core/event/loop.go`, `core/event/`, `core/*/loop.go`, `event.Base`, `core/b.go`, `net/http`")
	problems, err := CheckPage(root, "page.md")
	if want := []string{"page.md names core/b.go, which is not there"}; err != nil || !slices.Equal(problems, want) {
		t.Errorf("problems %q, error %v", problems, err)
	}
}

func writeFile(t *testing.T, root, name, text string) {
	t.Helper()
	name = filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
