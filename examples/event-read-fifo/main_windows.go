// Event-read-fifo makes a FIFO and prints what is written to it. Windows has no
// FIFOs: this says so.
package main

import (
	"flag"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("event-read-fifo: ")
	flag.Parse()
	log.Print("this example is for Unix: Windows has no FIFOs")
	os.Exit(2)
}
