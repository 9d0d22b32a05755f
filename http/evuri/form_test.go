package evuri_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-libevent/libevent/http/evuri"
)

const urlEncoded = "application/x-www-form-urlencoded"

// multipartForm returns a form of parts, each of which is a head and a body with
// an empty line between.
func multipartForm(parts ...string) (contentType, body string) {
	for _, p := range parts {
		body += "--XX\r\n" + p + "\r\n"
	}
	return `multipart/form-data; boundary="XX"`, "preamble\r\n" + body + "--XX--\r\nepilogue"
}

func TestParseURLEncodedForm(t *testing.T) {
	var p evuri.FormParser
	form, err := p.Parse("Application/X-www-form-urlencoded; charset=utf-8", iotest.OneByteReader(strings.NewReader("a=1+2&b&c=%26&a=")))
	want := evuri.Query{{"a", "1 2"}, {"b", ""}, {"c", "&"}, {"a", ""}}
	if err != nil || !slices.Equal(form.Fields, want) || form.Files != nil {
		t.Errorf("%+v, %v, want %v", form, err, want)
	}
}

func TestParseMultipartForm(t *testing.T) {
	kind, body := multipartForm(
		"Content-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n2",
		"Content-Disposition: form-data; name=f; filename=\"../../x y.txt\"\r\nContent-Type: text/plain\r\n\r\ncontents\r\n--X",
		"Content-Disposition: form-data; name=\"a\"\r\n\r\n",
		"Content-Disposition: form-data; name=empty; filename=\"\"\r\n\r\n",
	)
	for name, reader := range map[string]io.Reader{
		"whole":        strings.NewReader(body),
		"byte by byte": iotest.OneByteReader(strings.NewReader(body)),
	} {
		var p evuri.FormParser
		form, err := p.Parse(kind, reader)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := (evuri.Query{{"a", "1\r\n2"}, {"a", ""}}); !slices.Equal(form.Fields, want) {
			t.Errorf("%s: fields %q, want %q", name, form.Fields, want)
		}
		if len(form.Files) != 2 {
			t.Errorf("%s: %d files", name, len(form.Files))
			continue
		}
		f := form.Files[0]
		if f.Name != "f" || f.Filename != "x y.txt" || string(f.Data) != "contents\r\n--X" || f.Header.Get("Content-Type") != "text/plain" {
			t.Errorf("%s: %+v", name, f)
		}
		if f := form.Files[1]; f.Name != "empty" || len(f.Data) != 0 {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestParseFormRefuses(t *testing.T) {
	kind, body := multipartForm("Content-Disposition: form-data; name=a\r\n\r\nlong enough")
	_, nameless := multipartForm("Content-Disposition: form-data\r\n\r\nx")
	_, headless := multipartForm("x\r\n\r\nx")
	two := "Content-Disposition: form-data; name=a\r\n\r\nx"
	_, many := multipartForm(two, two, two)
	broken := errors.New("broken")
	for _, test := range []struct {
		name, kind string
		body       io.Reader
		parser     evuri.FormParser
		want       error
	}{
		{"no type", "", strings.NewReader(""), evuri.FormParser{}, evuri.ErrFormType},
		{"type of something else", "text/plain", strings.NewReader("a=b"), evuri.FormParser{}, evuri.ErrFormType},
		{"malformed type", "a/b; c", strings.NewReader("a=b"), evuri.FormParser{}, evuri.ErrFormType},
		{"no boundary", "multipart/form-data", strings.NewReader(body), evuri.FormParser{}, evuri.ErrFormType},
		{"too large", urlEncoded, strings.NewReader("a=123456789"), evuri.FormParser{MaxBytes: 10}, evuri.ErrFormTooLarge},
		{"too large, in parts", kind, strings.NewReader(body), evuri.FormParser{MaxBytes: 70}, evuri.ErrFormTooLarge},
		{"too large, in pieces", kind, iotest.OneByteReader(strings.NewReader(body)), evuri.FormParser{MaxBytes: 70}, evuri.ErrFormTooLarge},
		{"too many fields", urlEncoded, strings.NewReader("a&b&c"), evuri.FormParser{MaxFields: 2}, evuri.ErrTooMany},
		{"too many parts", kind, strings.NewReader(many), evuri.FormParser{MaxFields: 2}, evuri.ErrTooMany},
		{"no parts", kind, strings.NewReader(""), evuri.FormParser{}, evuri.ErrForm},
		{"no end", kind, strings.NewReader(strings.TrimSuffix(body, "--\r\nepilogue")), evuri.FormParser{}, evuri.ErrForm},
		{"cut off in a part", kind, strings.NewReader(body[:70]), evuri.FormParser{}, evuri.ErrForm},
		{"part without a name", kind, strings.NewReader(nameless), evuri.FormParser{}, evuri.ErrForm},
		{"part without a head", kind, strings.NewReader(headless), evuri.FormParser{}, evuri.ErrForm},
		{"reader that fails", urlEncoded, iotest.ErrReader(broken), evuri.FormParser{}, broken},
		{"reader that fails, in parts", kind, iotest.ErrReader(broken), evuri.FormParser{}, broken},
	} {
		if form, err := test.parser.Parse(test.kind, test.body); !errors.Is(err, test.want) || form != nil {
			t.Errorf("%s: %+v, %v, want %v", test.name, form, err, test.want)
		}
	}
}

func TestFormAtItsLimits(t *testing.T) {
	p := evuri.FormParser{MaxBytes: 10, MaxFields: 2}
	form, err := p.Parse(urlEncoded, strings.NewReader("a=123&b=45"))
	if err != nil || len(form.Fields) != 2 {
		t.Errorf("%+v, %v", form, err)
	}
	kind, body := multipartForm("Content-Disposition: form-data; name=a\r\n\r\n1", "Content-Disposition: form-data; name=b\r\n\r\n2")
	p = evuri.FormParser{MaxBytes: int64(len(body)), MaxFields: 2}
	if form, err := p.Parse(kind, strings.NewReader(body)); err != nil || fmt.Sprint(form.Fields) != "[{a 1} {b 2}]" {
		t.Errorf("in parts: %+v, %v", form, err)
	}
}

// FuzzParseForm checks that it makes no difference in which pieces a form comes.
func FuzzParseForm(f *testing.F) {
	kind, body := multipartForm("Content-Disposition: form-data; name=a\r\n\r\n1", "Content-Disposition: form-data; name=b; filename=c\r\n\r\n2")
	f.Add(kind, body)
	f.Add(urlEncoded, "a=1&b")
	f.Fuzz(func(t *testing.T, kind, body string) {
		p := evuri.FormParser{MaxFields: 10, MaxBytes: 10000}
		whole, err := p.Parse(kind, strings.NewReader(body))
		pieces, err2 := p.Parse(kind, iotest.OneByteReader(strings.NewReader(body)))
		if (err == nil) != (err2 == nil) || !reflect.DeepEqual(whole, pieces) {
			t.Fatalf("%q, %q:\n%+v, %v\n%+v, %v", kind, body, whole, err, pieces, err2)
		}
		if err == nil && len(whole.Fields)+len(whole.Files) > 10 {
			t.Fatalf("%d fields", len(whole.Fields)+len(whole.Files))
		}
	})
}
