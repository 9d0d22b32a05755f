package schema

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// differences are the files about which C's generator is of another opinion, by the names of
// their cases: what it makes of them, and why.
var differences = map[string]struct{ theirs, why string }{
	"no space":                        {refused, "the brace has to end the line of the struct, and there is space around marks"},
	"comments of C":                   {refused, "a struct begins a line, without a comment in front"},
	"comments in comments":            {refused, "a comment of C++ does not hide the beginning of one of C"},
	"an expression for a length":      {refused, "there is no space in a length"},
	"other defines":                   {refused, "#pragma, and a # alone, are not known"},
	"ifdef":                           {refused, "structs are read even where a condition does not hold"},
	"ifndef and else":                 {refused, "#ifndef and #else are not known"},
	"if and elif":                     {refused, "#elif and #else are not known"},
	"conditions in a struct":          {refused, "there are none"},
	"conditions around structs":       {"a{} b{}", "structs are written even where a condition does not hold"},
	"undef":                           {refused, "#undef is not known"},
	"a field that is there":           {"m{n=1;n=2;}", "the compiler of C finds it"},
	"a struct that is there":          {"m{} m{}", "the compiler of C finds it"},
	"a struct that is not there":      {"m{n=1;}", "the compiler of C finds it"},
	"a struct that a header may have": {"m{n=1;}", "the code includes the header"},
	"a struct that requires itself":   {"m{n=1;} n{m=1;}", "no message of it is ever complete"},
	"a length that is not defined":    {"m{b=1;}", "the compiler of C finds it"},
	"a length that is out of range":   {"m{b=1;c=2;}", "the compiler of C finds it, or memory ends"},
	"a bracket that is open":          {"m{b=1;n=2;}", "the bracket is a part of nothing"},
	"a comment that is open":          {"m{}", "it ends with the file"},
	"an RPC in a struct":              {"m{}", "it is a comment"},
	"wrong RPCs":                      {"m{}", "they are comments"},
	"an RPC that is there":            {"m{}", "it is a comment"},
	"an RPC of other messages":        {"m{}", "it is a comment"},
}

// TestGeneratorsReadTheSameFiles has C's generator read the files of the other tests: both
// refuse one, or find the same structs with the same fields and tags.
func TestGeneratorsReadTheSameFiles(t *testing.T) {
	var names, texts, ours []string
	for _, tt := range grammar {
		s, err := load(withOthers(tt.text), Options{Defines: map[string]string{"FLAG": "5"}, Dirs: []string{"lib"}})
		if err != nil {
			t.Fatal(err)
		}
		names, texts, ours = append(names, tt.name), append(texts, tt.text), append(ours, outline(s))
	}
	for _, tt := range wrong {
		names, texts, ours = append(names, tt.name), append(texts, tt.text), append(ours, refused)
	}
	seen := 0
	for i, theirs := range readByC(t, texts) {
		d, ok := differences[names[i]]
		if !ok {
			d.theirs = ours[i]
		} else if seen++; theirs == ours[i] {
			t.Errorf("%s is no difference", names[i])
		}
		if theirs != d.theirs {
			t.Errorf("%s: ours is %q, C's is %q", names[i], ours[i], theirs)
		}
	}
	if seen != len(differences) {
		t.Errorf("%d of %d differences seen", seen, len(differences))
	}
	t.Logf("%d files compared, %d differences", len(texts), seen)
}

// TestGeneratorsReadTheSameRandomFiles has both read random structs, with random space and
// comments where C's generator allows them.
func TestGeneratorsReadTheSameRandomFiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	texts := make([]string, 100)
	for i := range texts {
		texts[i] = randomFile(r)
	}
	for i, theirs := range readByC(t, texts) {
		s, err := load(map[string]string{"main.rpc": texts[i]}, Options{})
		if err != nil {
			t.Fatalf("%v\n%s", err, texts[i])
		}
		if ours := outline(s); theirs != ours {
			t.Errorf("ours is %q, C's is %q:\n%s", ours, theirs, texts[i])
		}
	}
}

// randomFile returns a file that is right.
func randomFile(r *rand.Rand) string {
	space := func() string {
		return []string{" ", "\t", "  ", "\n", " /* int x = 1; */ ", " // } struct y {\n", "\n\n/* of\n * lines\n */\n"}[r.IntN(7)]
	}
	types := []string{"int", "int64", "string", "struct[s0]", "struct[s1]", "bytes"}
	var b strings.Builder
	for i := range 2 + r.IntN(3) {
		fmt.Fprintf(&b, "%sstruct%s s%d {\n", strings.Repeat("\n", r.IntN(3)), strings.Repeat(" ", r.IntN(3)), i)
		for j := range r.IntN(6) {
			// Arrays are of other types than bytes, and what is required of no struct.
			kind, which := r.IntN(3), r.IntN(len(types))
			if which == 5 {
				kind %= 2
			} else if which >= 3 {
				kind = 1 + kind%2
			}
			modifier := []string{"", "optional", "array"}[kind]
			name := fmt.Sprintf("f%d", j)
			if which == 5 && r.UintN(2) == 0 {
				name += fmt.Sprintf("[%d]", r.IntN(100))
			}
			tag := fmt.Sprintf([]string{"%d", "%#x"}[r.IntN(2)], r.UintN(1<<20)<<4|uint(j))
			for _, word := range []string{modifier, types[which], name, "=", tag} {
				b.WriteString(word + space())
			}
			b.WriteString(";" + space())
		}
		b.WriteString("\n}\n")
	}
	return b.String()
}

// refused is the outline of a file that is wrong.
const refused = "refused"

// outline returns the structs of a schema, with their fields and tags.
func outline(s *Schema) string {
	text := ""
	for _, m := range s.Files[0].Structs {
		text += m.Name + "{"
		for _, f := range m.Fields {
			text += fmt.Sprintf("%s=%d;", f.Name, int32(f.Tag))
		}
		text += "} "
	}
	return strings.TrimSpace(text)
}

// declaration finds in a header what outline has of structs.
var declaration = regexp.MustCompile(`/\* Tag definition for (\S+) \*/\nenum [^{]*\{\n((?: .*\n)*)\};`)

// script runs C's generator in folders. A main.gen.h is there afterwards if it has succeeded.
const script = `
import os, runpy, sys
generator, dirs = sys.argv[1], sys.argv[2:]
sys.argv = ["event_rpcgen.py", "--quiet", "main.rpc"]
for dir in dirs:
    os.chdir(dir)
    try:
        runpy.run_path(generator, run_name="__main__")
    except BaseException as e:
        if not isinstance(e, SystemExit) or e.code:
            open("failed", "w")
`

// readByC returns the outlines of files as C's generator reads them.
func readByC(t *testing.T, texts []string) []string {
	t.Helper()
	args := []string{"-c", script, findGenerator(t)}
	for i, text := range texts {
		dir := filepath.Join(t.TempDir(), strconv.Itoa(i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		// It takes the last byte for the end of a line.
		if err := os.WriteFile(filepath.Join(dir, "main.rpc"), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, dir)
	}
	if out, err := exec.Command("python3", args...).CombinedOutput(); err != nil {
		t.Fatalf("python3: %v\n%s", err, out)
	}
	var outlines []string
	for _, dir := range args[3:] {
		outlines = append(outlines, outlineOfHeader(t, dir))
	}
	return outlines
}

// outlineOfHeader returns the outline of what C's generator has written in a folder.
func outlineOfHeader(t *testing.T, dir string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "failed")); err == nil {
		return refused
	}
	header, err := os.ReadFile(filepath.Join(dir, "main.gen.h"))
	if err != nil {
		t.Fatal(err)
	}
	out := ""
	for _, m := range declaration.FindAllStringSubmatch(string(header), -1) {
		out += m[1] + "{"
		for _, line := range strings.Split(m[2], "\n") {
			name, tag, ok := strings.Cut(strings.Trim(line, " ,"), "=")
			if !ok {
				continue
			}
			n, err := strconv.ParseInt(tag, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			// The name has that of the struct in front, and is in capital letters.
			out += fmt.Sprintf("%s=%d;", strings.ToLower(name[len(m[1])+1:]), int32(n))
		}
		out += "} "
	}
	return strings.TrimSpace(out)
}

// findGenerator returns where C's generator is.
func findGenerator(t *testing.T) string {
	t.Helper()
	generator := os.Getenv("LIBEVENT_RPCGEN")
	_, err := exec.LookPath("python3")
	switch {
	case runtime.GOOS == "windows": // where the programs may be those of the system below
		t.Skip("needs event_rpcgen.py")
	case generator != "" && err == nil:
		return generator
	case os.Getenv("LIBEVENT_TEST_PEERS") == "require":
		t.Fatal("needs python3, and event_rpcgen.py: .ci/rpcgen fetches it, LIBEVENT_RPCGEN names it")
	}
	t.Skip("needs python3, and event_rpcgen.py, which LIBEVENT_RPCGEN names")
	return ""
}
