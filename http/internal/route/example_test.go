package route_test

import (
	"fmt"
	"strings"

	"github.com/go-libevent/libevent/http/internal/route"
)

// A router with functions, and what a server does with it.
func ExampleRouter() {
	var m route.Match
	var router route.Router[func()]
	for _, added := range []struct {
		pattern string
		fn      func()
	}{
		{"GET /items/{id}", func() { fmt.Println("item", m.Value("id")) }},
		{"GET /items/{$}", func() { fmt.Println("all items") }},
		{"GET /static/{path...}", func() { fmt.Println("file", m.Value("path")) }},
	} {
		if err := router.Handle(added.pattern, added.fn); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(router.Handle("GET /{kind}/7", nil))

	for _, request := range []string{"GET /items/42", "HEAD /items/", "GET /static/a/b%20c", "PUT /items/42", "GET /"} {
		method, path, _ := strings.Cut(request, " ")
		if fn, ok := router.Lookup(&m, []byte(method), nil, []byte(path)); ok {
			fn()
		} else if allowed := router.Allowed(nil, []byte(path)); allowed != nil {
			fmt.Println("405, Allow:", strings.Join(allowed, ", "))
		} else {
			fmt.Println("404")
		}
	}
	// Output:
	// evhttp: add pattern "GET /{kind}/7": conflicting patterns: there is "GET /items/{id}"
	// item 42
	// all items
	// file a/b c
	// 405, Allow: GET, HEAD
	// 404
}
