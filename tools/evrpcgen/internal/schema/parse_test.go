package schema

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// load reads the file main.rpc among files, which are given by their names.
func load(files map[string]string, options Options) (*Schema, error) {
	options.Read = func(path string) ([]byte, error) {
		text, ok := files[strings.ReplaceAll(path, `\`, "/")]
		if !ok {
			return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
		}
		return []byte(text), nil
	}
	return Load([]string{"main.rpc"}, &options)
}

// describe writes what files say in one line, as they would.
func describe(s *Schema) string {
	var parts []string
	for _, file := range s.Files {
		for _, c := range file.Consts {
			parts = append(parts, fmt.Sprintf("#%s=%d", c.Name, c.Value))
		}
		for _, m := range file.Structs {
			text := m.Name
			if m.Recursive {
				text += "*"
			}
			text += "{"
			for _, f := range m.Fields {
				text += describeField(f) + ";"
			}
			parts = append(parts, text+"}")
		}
		for _, r := range file.RPCs {
			parts = append(parts, fmt.Sprintf("%s(%s)%s", r.Name, r.Request.Name, r.Reply.Name))
		}
	}
	return strings.Join(parts, " ")
}

func describeField(f *Field) string {
	text := []string{"int", "int64", "string", "bytes", "bytes", "struct"}[f.Kind]
	if f.Optional {
		text = "?" + text
	}
	if f.Array {
		text = "*" + text
	}
	if f.Ref != nil {
		text += "[" + f.Ref.Name + "]"
	}
	text += " " + f.Name
	if f.Kind == Fixed {
		text += fmt.Sprintf("[%d]", f.Length)
	}
	return fmt.Sprintf("%s=%d", text, f.Tag)
}

// others are files that main.rpc may include.
var others = map[string]string{
	"part.rpc":   "struct part {\n\tint n = 1;\n}\n",
	"sizes.rpc":  "#define SIZE 8\n",
	"circle.rpc": "#include \"main.rpc\"\nstruct circle {\n\toptional struct[m] m = 1;\n}\n",
	"lib/x.rpc":  "struct x {\n}\n",
	"broken.rpc": "struct broken {\n\tint 1;\n}\n",
}

func withOthers(text string) map[string]string {
	files := map[string]string{"main.rpc": text}
	for name, other := range others {
		files[name] = other
	}
	return files
}

// grammar are files, and what they say.
var grammar = []struct {
	name, text, want string
}{
	{"nothing", "", ""},
	{"an empty struct", "struct m {\n}\n", "m{}"},
	{"int", "struct m {\n int n = 1;\n}", "m{int n=1;}"},
	{"int64", "struct m {\n int64 n = 1;\n}", "m{int64 n=1;}"},
	{"string", "struct m {\n string s = 1;\n}", "m{string s=1;}"},
	{"bytes", "struct m {\n bytes b = 1;\n}", "m{bytes b=1;}"},
	{"bytes of a length", "struct m {\n bytes b[24] = 1;\n}", "m{bytes b[24]=1;}"},
	{"bytes of length zero", "struct m {\n bytes b[0] = 1;\n}", "m{bytes b[0]=1;}"},
	{"bytes with empty brackets", "struct m {\n bytes b[] = 1;\n}", "m{bytes b=1;}"},
	{"a struct of later", "struct m {\n struct[n] n = 1;\n}\nstruct n {\n}", "m{struct[n] n=1;} n{}"},
	{"a struct of before", "struct n {\n}\nstruct m {\n struct[n] n = 1;\n}", "n{} m{struct[n] n=1;}"},
	{"optional", "struct m {\n optional int n = 1;\n optional bytes b[2] = 2;\n}", "m{?int n=1;?bytes b[2]=2;}"},
	{"arrays", "struct m {\n array int a = 1;\n array int64 b = 2;\n array string c = 3;\n array struct[m] d = 4;\n}", "m*{*int a=1;*int64 b=2;*string c=3;*struct[m] d=4;}"},
	{"a tag in hexadecimal", "struct m {\n int n = 0x10121;\n int o = 0XfF;\n}", "m{int n=65825;int o=255;}"},
	{"the first and the last tag", "struct m {\n int n = 0;\n int o = 4294967295;\n}", "m{int n=0;int o=4294967295;}"},
	{"many entries in a line", "struct m {\n int a = 1; int b = 2;\n}", "m{int a=1;int b=2;}"},
	{"an entry in many lines", "struct m {\n optional\n int\n a\n =\n 1\n ;\n}", "m{?int a=1;}"},
	{"no space", "struct m{int a=1;optional struct[m]b=2;}", "m*{int a=1;?struct[m] b=2;}"},
	{"no semicolon at the end", "struct m {\n int a = 1;\n int b = 2\n}", "m{int a=1;int b=2;}"},
	{"empty entries", "struct m {\n ;\n int a = 1;;\n}", "m{int a=1;}"},
	{"keywords for names", "struct int {\n int int = 1;\n string optional = 2;\n int array = 3;\n int struct = 4;\n}", "int{int int=1;string optional=2;int array=3;int struct=4;}"},
	{"CRLF", "struct m {\r\n\tint a = 1;\r\n}\r\n", "m{int a=1;}"},
	{"comments of C++", "// struct x {\nstruct m { // {\n int a = 1; // int b = 2;\n}", "m{int a=1;}"},
	{"comments of C", "/* struct x {\n */ struct m {\n int /* a */ a = /* 2 */ 1; /*\n int b = 2; */ int c /* // */ = 3;\n}", "m{int a=1;int c=3;}"},
	{"comments in comments", "// /*\nstruct m {\n /* // */ int a = 1;\n}\n/* /* */", "m{int a=1;}"},
	{"recursion by way of others", "struct a {\n optional struct[b] b = 1;\n}\nstruct b {\n struct[a] a = 1;\n}\nstruct c {\n struct[a] a = 1;\n}", "a*{?struct[b] b=1;} b*{struct[a] a=1;} c{struct[a] a=1;}"},
	{"a define for a length", "#define LEN 24\nstruct m {\n bytes b[LEN] = 1;\n}", "#LEN=24 m{bytes b[24]=1;}"},
	{"an expression for a length", "#define A 2\n#define B (A * 3 + 1)\nstruct m {\n bytes b[B<<1] = 1;\n bytes c[(A+1)*4 % 5] = 2;\n}", "#A=2 #B=7 m{bytes b[14]=1;bytes c[2]=2;}"},
	{"other defines", "#define NAME \"name\" // text\n#define F(x) x\n#define EMPTY\n#pragma once\n#\nstruct m {\n}", "m{}"},
	{"ifdef", "#define YES\n#ifdef YES\nstruct a {\n}\n#endif\n#ifdef NO\nstruct b {\n ?!\n}\n#endif", "a{}"},
	{"conditions around structs", "#define YES\n#ifdef YES\nstruct a {\n}\n#endif\n#ifdef NO\nstruct b {\n}\n#endif", "a{}"},
	{"ifndef and else", "#ifndef NO\nstruct a {\n}\n#else\nstruct b {\n}\n#endif\n#ifdef NO\n#ifdef NO\n#else\n#endif\n#else\nstruct c {\n}\n#endif", "a{} c{}"},
	{"if and elif", "#define V 3\n#if V < 3\nstruct a {\n}\n#elif V == 3 && !defined(NO)\nstruct b {\n}\n#elif 1\nstruct c {\n}\n#else\nstruct d {\n}\n#endif", "#V=3 b{}"},
	{"conditions in a struct", "struct m {\n#if 0\n int a = 1;\n#else\n int b = 1;\n#endif\n}", "m{int b=1;}"},
	{"undef", "#define A\n#undef A\n#ifdef A\nstruct a {\n}\n#endif", ""},
	{"a flag", "#ifdef FLAG\nstruct a {\n bytes b[FLAG] = 1;\n}\n#endif", "a{bytes b[5]=1;}"},
	{"a flag has precedence", "#define FLAG 6\nstruct a {\n bytes b[FLAG] = 1;\n}", "a{bytes b[5]=1;}"},
	{"headers of C", "#include <sys/types.h>\n#include \"other.h\"\nstruct m {\n}", "m{}"},
	{"an included schema", "#include \"part.gen.h\"\nstruct m {\n struct[part] p = 1;\n}", "m{struct[part] p=1;}"},
	{"an included schema by other names", "#include \"part.h\"\n#include \"part.rpc\"\nstruct m {\n struct[part] p = 1;\n}", "m{struct[part] p=1;}"},
	{"an included define", "#include \"sizes.rpc\"\nstruct m {\n bytes b[SIZE] = 1;\n}", "m{bytes b[8]=1;}"},
	{"includes in a circle", "#include \"circle.rpc\"\nstruct m {\n optional struct[circle] c = 1;\n}", "m*{?struct[circle] c=1;}"},
	{"an include from another folder", "#include \"x.rpc\"\nstruct m {\n struct[x] x = 1;\n}", "m{struct[x] x=1;}"},
	{"an RPC", "struct m {\n}\n//rpc Send(m) returns (m);\n// rpc Other(m) returns (m);\n//rpcs\n//rpc\tGet ( m )returns( n ) ; // why\nstruct n {\n}", "m{} n{} Send(m)m Get(m)n"},
}

func TestGrammar(t *testing.T) {
	for _, tt := range grammar {
		t.Run(tt.name, func(t *testing.T) {
			s, err := load(withOthers(tt.text), Options{Defines: map[string]string{"FLAG": "5"}, Dirs: []string{"nowhere", "lib"}})
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(s); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// wrong are files that are refused, and why. Places are in main.rpc unless another is named.
var wrong = []struct {
	name, text string
	want       []string
}{
	{"no struct", "hello\nstruct m {\n}", []string{`1:1: expected "struct", found "hello"`}},
	{"no name", "struct {\n}", []string{`1:8: expected the name of a struct, found "{"`}},
	{"no brace", "struct m\nint n = 1;\n", []string{`2:1: expected "{", found "int"`}},
	{"no end", "struct m {\n int n = 1;\n", []string{`3:1: struct m has no "}" at its end`}},
	{"no end, and another", "struct m {\n int n = 1;\nstruct n {\n}", []string{`3:1: struct m has no "}" at its end`}},
	{"a semicolon behind", "struct m {\n};", []string{`2:2: no semicolon may follow a struct`}},
	{"another type", "struct m {\n float f = 1;\n int n = 2;\n}", []string{`2:2: expected a type (int, int64, string, bytes, struct[NAME]), found "float"`}},
	{"no name of a field", "struct m {\n int = 1;\n}", []string{`2:6: expected the name of a field, found "="`}},
	{"no tag", "struct m {\n int n;\n}", []string{`2:7: expected "=", found ";"`}},
	{"a tag that is a word", "struct m {\n int n = one;\n}", []string{`2:10: expected the tag of n, a number, found "one"`}},
	{"a negative tag", "struct m {\n int n = -1;\n}", []string{`2:10: unexpected character '-'`}},
	{"a tag in octal", "struct m {\n int n = 010;\n}", []string{`2:10: tag 010 begins with 0, and would be octal elsewhere`}},
	{"a tag with a letter", "struct m {\n int n = 1a;\n int o = 0xg;\n}", []string{`2:10: tag 1a is no number`, `3:10: tag 0xg is no number`}},
	{"a tag of 33 bits", "struct m {\n int n = 4294967296;\n int o = 0x100000000;\n}", []string{`2:10: tag 4294967296 has more than 32 bits`, `3:10: tag 0x100000000 has more than 32 bits`}},
	{"a tag that is there", "struct m {\n int n = 1;\n int o = 0x1;\n}", []string{`3:6: field o has tag 1, which is that of n, at main.rpc:2:6`}},
	{"a field that is there", "struct m {\n int n = 1;\n int n = 2;\n}", []string{`3:6: field n is there already, at main.rpc:2:6`}},
	{"a struct that is there", "struct m {\n}\nstruct m {\n}", []string{`3:8: struct m is there already, at main.rpc:1:8`}},
	{"a struct that is not there", "struct m {\n struct[n] n = 1;\n}", []string{`2:8: struct n is not defined`}},
	{"a struct that a header may have", "#include \"n.h\"\nstruct m {\n struct[n] n = 1;\n}", []string{`3:8: struct n is not defined (there is no .rpc file for the included n.h)`}},
	{"a struct without brackets", "struct m {\n struct n = 1;\n}", []string{`2:9: expected the name of a struct, as in struct[NAME]`}},
	{"a struct that requires itself", "struct m {\n struct[n] n = 1;\n}\nstruct n {\n struct[m] m = 1;\n}", []string{`1:8: struct m can never be complete: it requires itself`, `4:8: struct n can never be complete: it requires itself`}},
	{"optional and array", "struct m {\n optional array int n = 1;\n}", []string{`2:2: n cannot be optional and an array: arrays are optional always`}},
	{"optional twice", "struct m {\n optional optional int n = 1;\n}", []string{`2:11: optional is there twice`}},
	{"arrays of bytes", "struct m {\n array bytes b = 1;\n array bytes c[2] = 2;\n}", []string{`2:2: b cannot be an array: there are none of bytes`, `3:2: c cannot be an array: there are none of bytes`}},
	{"a length of others", "struct m {\n int n[2] = 1;\n}", []string{`2:7: only bytes have a length`}},
	{"a length that is not defined", "struct m {\n bytes b[LEN] = 1;\n}", []string{`2:9: length of b: LEN is not defined`}},
	{"a length that is out of range", "struct m {\n bytes b[-1] = 1;\n bytes c[1<<30] = 2;\n}", []string{`2:9: length of b is -1, which is not within 0 and 1048576`, `3:9: length of c is 1073741824, which is not within 0 and 1048576`}},
	{"a length that is no number", "#define TEXT \"a\"\n#define F(x) x\n#define L L\nstruct m {\n bytes b[TEXT] = 1;\n bytes c[F] = 2;\n bytes d[L] = 3;\n bytes e[1/0] = 4;\n bytes f[2 +] = 5;\n bytes g[(1] = 6;\n}", []string{
		`5:9: length of b: TEXT is no number: unexpected '"'`, `6:9: length of c: F has arguments`,
		`7:9: length of d: L is no number`, `8:9: length of e: division by zero`, `9:9: length of f: number is missing`, `10:9: length of g: ")" is missing`}},
	{"a bracket that is open", "struct m {\n bytes b[2 = 1;\n int n = 2;\n}", []string{`2:9: "[" is not closed`}},
	{"a comment that is open", "struct m {\n}\n  /* struct n {\n}", []string{`3:3: comment is not closed`}},
	{"strange characters", "struct m {\n int n@ = 1;\n}\n$", []string{`2:7: unexpected character '@'`, `4:1: unexpected character '$'`}},
	{"an include that is not there", "#include \"none.rpc\"\n#include none\n", []string{`1:1: none.rpc is not found`, `2:1: #include wants "file" or <file>`}},
	{"an error in an include", "#include \"broken.rpc\"\nstruct m {\n int 2;\n}", []string{`broken.rpc:2:6: expected the name of a field, found "1"`, `3:6: expected the name of a field, found "2"`}},
	{"a condition without an end", "#if 1\n#ifdef X\n#else\n", []string{`1:1: condition has no #endif`, `2:1: condition has no #endif`}},
	{"branches without a condition", "#endif\n#else\n#if 1\n#else\n#elif 1\n#endif", []string{`1:1: #endif without #if`, `2:1: #else without #if`, `5:1: #elif after #else`}},
	{"wrong conditions", "#if\n#elif 1 +\n#endif\n#if 1 2\n#endif\n#ifdef\n#endif\n#if (1\n#endif", []string{`1:1: #if : number is missing`, `2:1: #if 1 +: number is missing`, `4:1: #if 1 2: unexpected "2"`, `6:1: #ifdef wants a name`, `8:1: #if (1: ")" is missing`}},
	{"wrong directives", "#define\n#define 1\n#line 7\n#error stop\n#define A 1\n#define A 2\n", []string{`1:1: #define wants a name`, `2:1: #define wants a name`, `3:1: unknown directive #line`, `4:1: #error stop`, `6:1: A has another value at main.rpc:5:1`}},
	{"an RPC in a struct", "struct m {\n//rpc A(m) returns (m);\n}", []string{`2:6: //rpc belongs outside of structs`}},
	{"wrong RPCs", "struct m {\n}\n//rpc (m) returns (m);\n//rpc A m\n//rpc B(m) return (m);\n//rpc C(m) returns (m)\n//rpc D(m) returns (m); x", []string{
		`3:7: expected the name of an RPC, found "("`, `4:9: expected "(", found "m"`, `5:12: expected "returns", found "return"`, `6:23: expected ";", found the end`, `7:25: unexpected "x" after an RPC`}},
	{"an RPC that is there", "struct m {\n}\n//rpc A(m) returns (m);\n//rpc A(m) returns (m);", []string{`4:7: RPC A is there already, at main.rpc:3:7`}},
	{"an RPC of other messages", "struct m {\n}\n//rpc A(n) returns (o);", []string{`3:9: struct n is not defined`, `3:21: struct o is not defined`}},
	{"errors one after another", "struct m {\n int;\n string s = 1;\n foo;\n bytes b;\n}\nbar\nstruct n {\n int64 = 2;\n}", []string{
		`2:5: expected the name of a field, found ";"`, `4:2: expected a type (int, int64, string, bytes, struct[NAME]), found "foo"`,
		`5:9: expected "=", found ";"`, `7:1: expected "struct", found "bar"`, `9:8: expected the name of a field, found "="`}},
}

func TestWrongFilesAreRefusedWithThePlaces(t *testing.T) {
	for _, tt := range wrong {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(withOthers(tt.text), Options{})
			if err == nil {
				t.Fatal("it was taken")
			}
			lines := strings.Split(strings.ReplaceAll(err.Error(), "main.rpc:", ""), "\n")
			want := strings.Split(strings.ReplaceAll(strings.Join(tt.want, "\n"), "main.rpc:", ""), "\n")
			for i := range max(len(lines), len(want)) {
				if i >= len(lines) || i >= len(want) || !strings.HasPrefix(lines[i], want[i]) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
					return
				}
			}
		})
	}
}

func TestCommentsBecomeDocumentation(t *testing.T) {
	s, err := load(map[string]string{"main.rpc": `
// License.

/*
 * A message
 *   with an example.
 */
struct m {
	// Above,
	// in two lines.
	int a = 1; // not this
	int b = 2; // behind
	int c = 3; /* in C */
	// far

	int d = 4;
}

struct n {
	struct[m] /* inside */ m = 1; /* at the end */
}
// What it does.
//rpc Do(m) returns (n);
`}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, n := s.Files[0].Structs[0], s.Files[0].Structs[1]
	got := []string{m.Doc, n.Doc, s.Files[0].RPCs[0].Doc, n.Fields[0].Doc}
	want := []string{"A message\n  with an example.", "", "What it does.", "at the end"}
	for _, f := range m.Fields {
		got = append(got, f.Doc)
	}
	want = append(want, "Above,\nin two lines.", "behind", "in C", "")
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	if _, err := load(nil, Options{}); err == nil || !strings.Contains(err.Error(), "main.rpc") {
		t.Error(err)
	}
	if _, err := load(withOthers(""), Options{Imports: map[string]string{"a.rpc": "b"}}); err == nil || !strings.Contains(err.Error(), "a.rpc") {
		t.Error("an import path for a file that is not included", err)
	}
	if _, err := Load([]string{t.TempDir()}, nil); err == nil {
		t.Error("a folder")
	}
}

func TestThereIsALimitOfErrors(t *testing.T) {
	_, err := load(map[string]string{"main.rpc": "struct m {\n" + strings.Repeat("?\n", 1000) + "}"}, Options{})
	if errs, ok := err.(Errors); !ok || len(errs) != maxErrors {
		t.Error(err)
	}
}

// FuzzLoad reads anything: it ends, and errors are in the file.
func FuzzLoad(f *testing.F) {
	f.Add("#define A 1\n#if A<<2 > 3\nstruct m {\n bytes b[A] = 1; // b\n optional struct[m] m = 2;\n}\n#endif\n//rpc X(m) returns (m);\n")
	f.Add("struct m { /* */ array int n = 0x1; }\n#include \"main.rpc\"\n")
	f.Add("#if ((((1?2:3||4&&5|6^7&8==9<=10<<11+12*13%14/15-~!1\n#endif")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := load(map[string]string{"main.rpc": text}, Options{})
		errs, ok := err.(Errors)
		if err != nil && !ok {
			t.Fatal(err)
		}
		lines := strings.Split(text, "\n")
		for _, e := range errs {
			if e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > len(lines[e.Line-1])+1 {
				t.Errorf("%v of %q", e, text)
			}
		}
	})
}
