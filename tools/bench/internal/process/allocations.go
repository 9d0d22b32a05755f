package process

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
)

// AnswerAllocations answers each line that it reads with the number of objects
// that this process has allocated on Go's heap so far, until in ends.
func AnswerAllocations(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		if _, err := fmt.Fprintln(out, stats.Mallocs); err != nil {
			return err
		}
	}
	return lines.Err()
}
