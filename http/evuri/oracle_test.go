package evuri_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/http/evuri"
)

// A question is a line that the oracle answers, and what we say to it.
type question struct {
	op   string
	n    int
	arg  string
	ours string
}

// deliberate lists what we answer otherwise than C libevent 2.1.12 on purpose.
var deliberate = []struct {
	why     string
	applies func(q question, theirs string) bool
}{
	{
		"RFC 3986 wants something after the dot of an address of a later version of IP",
		func(q question, _ string) bool { return readsHost(q) && strings.Contains(q.arg, "[v1.]") },
	},
	{
		"the v of such an address may be a capital",
		func(q question, _ string) bool { return readsHost(q) && strings.Contains(q.arg, "[V") },
	},
	{
		"zero bytes and line ends are refused even in nonconformant URIs, so that a URI never ends a line of a message",
		func(q question, _ string) bool {
			return q.op == "uri" && q.n&int(evuri.Nonconformant) != 0 && strings.ContainsAny(q.arg, "\r\n")
		},
	},
	{
		"the names in queries are decoded like the values",
		func(q question, theirs string) bool { return q.op == "query" && decodeNames(theirs) == q.ours },
	},
	{
		"values can have zero bytes in them",
		func(q question, theirs string) bool { return q.op == "query" && strings.Contains(q.arg, "%00") },
	},
	{
		"a query has a limit of fields",
		func(q question, _ string) bool {
			return q.op == "query" && strings.Count(q.arg, "&") >= evuri.DefaultMaxQueryFields
		},
	},
}

// readsHost reports whether a question is about a host or has one in it.
func readsHost(q question) bool {
	return q.op == "uri" || q.op == "set" && q.n == 2 || q.op == "query" && q.n == 1
}

// decodeNames decodes the names in the answer to a query, whose first of each
// two words is one.
func decodeNames(answer string) string {
	words := strings.Split(answer, " ")
	for i := 1; i < len(words); i += 2 {
		if name, err := hex.DecodeString(strings.TrimPrefix(words[i], "x")); err == nil {
			words[i] = text(evuri.DecodePlus(string(name)))[1:]
		}
	}
	return strings.Join(words, " ")
}

// TestURIsSameAsC asks the same of C libevent and of us: about the inputs of the
// other tests, and about many that are put together at random.
func TestURIsSameAsC(t *testing.T) {
	oracle := buildURIOracle(t)
	var questions []question
	for _, s := range oracleTexts() {
		questions = append(questions, ask(s)...)
	}

	var in bytes.Buffer
	for _, q := range questions {
		fmt.Fprintf(&in, "%s %d x%s\n", q.op, q.n, hex.EncodeToString([]byte(q.arg)))
	}
	cmd := exec.Command(oracle)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("oracle: %v", err)
	}
	answers := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(answers), len(questions))
	}
	compareAnswers(t, questions, answers)
}

func compareAnswers(t *testing.T, questions []question, answers []string) {
	t.Helper()
	used := make([]int, len(deliberate))
	failures := 0
	for i, q := range questions {
		if theirs := strings.TrimPrefix(answers[i], q.op); theirs != q.ours && !excused(q, theirs, used) {
			t.Errorf("%s %d %q\nGo:%s\nC: %s", q.op, q.n, q.arg, readable(q.ours), readable(theirs))
			if failures++; failures == 10 {
				t.FailNow()
			}
		}
	}
	for i, n := range used {
		if n == 0 {
			t.Errorf("no answer differs because %s", deliberate[i].why)
		}
	}
	t.Logf("%d questions; differences that are meant: %v", len(questions), used)
}

// excused reports whether a difference is meant, and counts it.
func excused(q question, theirs string, used []int) bool {
	for i := range deliberate {
		if deliberate[i].applies(q, theirs) {
			used[i]++
			return true
		}
	}
	return false
}

// readable turns the texts of an answer back from hexadecimal.
func readable(answer string) string {
	words := strings.Fields(answer)
	for i, w := range words {
		if text, err := hex.DecodeString(strings.TrimPrefix(w, "x")); err == nil && w[0] == 'x' {
			words[i] = fmt.Sprintf("%q", text)
		}
	}
	return strings.Join(words, " ")
}

// buildURIOracle compiles the program that answers with C libevent.
func buildURIOracle(t *testing.T) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	var out []byte
	_, err := exec.LookPath(cc)
	if err == nil {
		oracle := filepath.Join(t.TempDir(), "oracle")
		out, err = exec.Command(cc, "-O1", "-o", oracle, "testdata/oracle.c", "-levent").CombinedOutput()
		if err == nil {
			return oracle
		}
	}
	if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
		t.Fatalf("cannot build the oracle: %v\n%s", err, out)
	}
	t.Skipf("needs a C compiler and libevent: %v", err)
	return ""
}

// ask returns all questions about a text, without zero bytes where C takes them
// for its end.
func ask(s string) []question {
	questions := []question{
		{"encode", 0, s, text(evuri.Encode(s))},
		{"encode", 1, s, text(evuri.EncodePlus(s))},
	}
	if strings.IndexByte(s, 0) >= 0 {
		return questions
	}
	for part := range 6 {
		questions = append(questions, question{"set", part, s, ourSet(part, s)})
	}
	return append(questions,
		question{"uri", 0, s, ourURI(s, 0)},
		question{"uri", 1, s, ourURI(s, evuri.Nonconformant)},
		question{"query", 0, s, ourQuery(evuri.ParseQuery(s))},
		question{"query", 1, s, ourQuery(evuri.ParseURIQuery(s))},
		question{"decode", 0, s, text(evuri.Decode(s))},
		question{"decode", 1, s, text(evuri.DecodePlus(s))},
		question{"decodewhole", 0, s, text(untilZero(evuri.DecodeURI(s)))},
		question{"html", 0, s, text(evuri.HTMLEscape(s))},
	)
}

// untilZero returns what C's strings can show of s.
func untilZero(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}

func text(s string) string { return " x" + hex.EncodeToString([]byte(s)) }

func ourURI(s string, flags evuri.Flags) string {
	u, err := evuri.ParseFlags(s, flags)
	if err != nil {
		return " error"
	}
	optional := func(p evuri.Part, s string) string {
		if !u.Has(p) {
			return " -"
		}
		return text(s)
	}
	joined, err := u.Join()
	if err != nil {
		joined = err.Error()
	}
	return optional(evuri.PartScheme, u.Scheme()) + optional(evuri.PartUserinfo, u.Userinfo()) + optional(evuri.PartHost, u.Host()) +
		fmt.Sprint(" ", u.Port()) + optional(evuri.PartPath, u.Path()) + optional(evuri.PartQuery, u.Query()) +
		optional(evuri.PartFragment, u.Fragment()) + text(joined)
}

func ourSet(part int, s string) string {
	var u evuri.URI
	set := []func(string) error{u.SetScheme, u.SetUserinfo, u.SetHost, u.SetPath, u.SetQuery, u.SetFragment}[part]
	if set(s) != nil {
		return " error"
	}
	return " ok"
}

func ourQuery(q evuri.Query, err error) string {
	if err != nil {
		return " error"
	}
	var b strings.Builder
	for _, f := range q {
		b.WriteString(text(f.Name) + text(f.Value))
	}
	return b.String()
}

// oracleTexts returns the inputs of the other tests and random ones, made of
// pieces that matter in URIs.
func oracleTexts() []string {
	texts := []string{"", strings.Repeat("a=b&", evuri.DefaultMaxQueryFields+1), "http://[v1.]/", "http://[V1.a]/", "/a\r\nb", "a%62=c", "a=b%00"}
	for _, test := range uriTests {
		texts = append(texts, test.in)
	}
	for _, test := range queryTests {
		texts = append(texts, test.in)
	}
	for c := range 256 {
		texts = append(texts, string([]byte{byte(c)}), "http://a/"+string([]byte{byte(c)}), "http://"+string([]byte{byte(c)}),
			"http://[v1."+string([]byte{byte(c)})+"]/")
	}
	pieces := []string{
		"http", "https:", "://", "//", "/", "?", "#", "@", ":", ":80", ":65536", ":0080", "%", "%2", "%2F", "%zz", "%00", "[", "]",
		"[::1]", "[::ffff:1.2.3.4]", "[1:2:3:4:5:6:7:8]", "[1::2::3]", "[::1%25eth0]", "[::1%eth0]", "[12345::]", "[v1.x:y]", "[1.2.3.4]",
		"user", "pa:ss", "example.com", "127.0.0.1", "a", "=", "&", "&&", "+", " ", ";", "<'\">", "\xff", "\r\n", "é", "..", "unix:", "*", "{", "~",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		var b strings.Builder
		for range 1 + r.IntN(7) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		texts = append(texts, b.String())
	}
	return texts
}
