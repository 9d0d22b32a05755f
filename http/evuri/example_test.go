package evuri_test

import (
	"fmt"
	"strings"

	"github.com/go-libevent/libevent/http/evuri"
)

// A URI is taken apart, changed and put together again.
func ExampleParse() {
	u, err := evuri.Parse("http://example.com/search?q=libevent")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(u.Scheme(), u.Host(), u.Port(), u.Path(), u.Query(), u.Has(evuri.PartFragment))

	if err := u.SetHost("[::1]"); err != nil {
		fmt.Println(err)
	}
	if err := u.SetPort(8080); err != nil {
		fmt.Println(err)
	}
	fmt.Println(u.Join())

	_, err = evuri.Parse("http://example.com:http/")
	fmt.Println(err)
	// Output:
	// http example.com -1 /search q=libevent false
	// http://[::1]:8080/search?q=libevent <nil>
	// evuri: parse URI "http://example.com:http/": invalid URI: bad port
}

// The URI of a service that listens at a Unix socket.
func ExampleParseFlags() {
	u, err := evuri.ParseFlags("http://unix:/run/control.sock:/status?verbose=1", evuri.UnixSocket)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(u.UnixSocket(), u.Path(), u.Query())
	// Output: /run/control.sock /status verbose=1
}

// Parts of a URI that come from elsewhere must be escaped.
func ExampleEncode() {
	fmt.Println("/files/" + evuri.Encode("50% off?.txt"))
	fmt.Println(evuri.DecodePlus("50%25+off%3F"))
	fmt.Println(evuri.HTMLEscape("<50% & off>"))
	// Output:
	// /files/50%25%20off%3F.txt
	// 50% off?
	// &lt;50% &amp; off&gt;
}

// Strict, a query is names and values; otherwise it is what browsers make of it.
func ExampleParseQuery() {
	q, err := evuri.ParseQuery("q=test&s=some+thing&q=again")
	fmt.Println(q.Get("q"), q.Get("s"), len(q), err)

	_, err = evuri.ParseQuery("q=test&verbose")
	fmt.Println(err)

	q, err = evuri.ParseQueryFlags("q=test&verbose&q=again", evuri.QueryNonconformant|evuri.QueryLastVal)
	fmt.Println(q.Encode(), err)
	// Output:
	// test some thing 3 <nil>
	// evuri: parse query: malformed query: "verbose"
	// verbose=&q=again <nil>
}

// A form with a file.
func ExampleFormParser_Parse() {
	body := strings.ReplaceAll(`--XX
Content-Disposition: form-data; name="title"

A text
--XX
Content-Disposition: form-data; name="file"; filename="a.txt"

contents
--XX--
`, "\n", "\r\n")
	parser := evuri.FormParser{MaxBytes: 1 << 20}
	form, err := parser.Parse("multipart/form-data; boundary=XX", strings.NewReader(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(form.Fields.Get("title"))
	for _, f := range form.Files {
		fmt.Printf("%s %s %q\n", f.Name, f.Filename, f.Data)
	}
	// Output:
	// A text
	// file a.txt "contents"
}
