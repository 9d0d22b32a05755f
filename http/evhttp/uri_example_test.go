package evhttp_test

import (
	"fmt"

	"github.com/go-libevent/libevent/http/evhttp"
)

// A URI is taken apart, changed and put together again.
func ExampleParseURI() {
	u, err := evhttp.ParseURI("http://example.com/search?q=libevent")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(u.Scheme(), u.Host(), u.Port(), u.Path(), u.Query(), u.Has(evhttp.PartFragment))

	if err := u.SetHost("[::1]"); err != nil {
		fmt.Println(err)
	}
	if err := u.SetPort(8080); err != nil {
		fmt.Println(err)
	}
	fmt.Println(u.Join())

	_, err = evhttp.ParseURI("http://example.com:http/")
	fmt.Println(err)
	// Output:
	// http example.com -1 /search q=libevent false
	// http://[::1]:8080/search?q=libevent <nil>
	// parse URI "http://example.com:http/": invalid URI: bad port
}

// The URI of a service that listens at a Unix socket.
func ExampleParseURIFlags() {
	u, err := evhttp.ParseURIFlags("http://unix:/run/control.sock:/status?verbose=1", evhttp.URIUnixSocket)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(u.UnixSocket(), u.Path(), u.Query())
	// Output: /run/control.sock /status verbose=1
}

// Parts of a URI that come from elsewhere must be escaped.
func ExampleEncodeURI() {
	fmt.Println("/files/" + evhttp.EncodeURI("50% off?.txt"))
	fmt.Println(evhttp.URIDecode("50%25+off%3F", true))
	fmt.Println(evhttp.HTMLEscape("<50% & off>"))
	// Output:
	// /files/50%25%20off%3F.txt
	// 50% off?
	// &lt;50% &amp; off&gt;
}

// Strict, a query is names and values; otherwise it is what browsers make of it.
func ExampleParseQueryString() {
	q, err := evhttp.ParseQueryString("q=test&s=some+thing&q=again")
	fmt.Println(q.Get("q"), q.Get("s"), len(q), err)

	_, err = evhttp.ParseQueryString("q=test&verbose")
	fmt.Println(err)

	q, err = evhttp.ParseQueryStringFlags("q=test&verbose&q=again", evhttp.QueryNonconformant|evhttp.QueryLastVal)
	fmt.Println(q.Encode(), err)
	// Output:
	// test some thing 3 <nil>
	// parse query: malformed query: "verbose"
	// verbose=&q=again <nil>
}
