package message_test

import (
	"fmt"

	"github.com/go-libevent/libevent/http/internal/message"
)

func ExampleFields() {
	var f message.Fields
	f.Add("Connection", "keep-alive")
	f.Add("Connection", "Upgrade")
	fmt.Println(f.HasToken("connection", "upgrade"))
	f.Set("Connection", "close")
	fmt.Println(f.Add("X-Name", "a\r\nSet-Cookie: b"))
	fmt.Printf("%s", f.AppendTo(nil))
	// Output:
	// true
	// add field: value "a\r\nSet-Cookie: b" of X-Name: invalid in HTTP
	// Connection: close
}
