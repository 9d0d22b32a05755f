// Evfixed is the process that evbench -count counts.
package main

import (
	"fmt"
	"os"

	"github.com/go-libevent/libevent/tools/bench/internal/fixed"
)

func main() {
	if err := fixed.Run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
