package simulation_test

import (
	"regexp"
	"strconv"
)

// An httpSiteLog is the access log of a site, which reads it.
type httpSiteLog httpSite

// httpLogLine is a line in the Combined Log Format.
var httpLogLine = regexp.MustCompile(`^(\S+) - - \[01/Jan/2000:[^\]]+\] "([A-Z]+) (\S+) HTTP/1\.1" (\d{3}) (\d+|-) "from" "the \\"agent\\" \\\\ of \\xe9"\n$`)

// httpLogID finds whose the request was.
var httpLogID = regexp.MustCompile(`\?id=(\d+)`)

// Write implements io.Writer: it is called once with each line.
func (l *httpSiteLog) Write(line []byte) (int, error) {
	s := (*httpSite)(l)
	id := httpLogID.FindSubmatch(line)
	if id == nil { // one of which no target has come
		return len(line), nil
	}
	n, _ := strconv.Atoi(string(id[1])) // digits
	v := s.visits[n]
	if v.tooLong != 0 || v.seen == 0 && s.m.harsh {
		return len(line), nil // of which a part has come
	}
	parts := httpLogLine.FindSubmatch(line)
	if parts == nil {
		v.errorf("its line in the log is %q", line)
		return len(line), nil
	}
	if string(parts[1]) != s.client.Addr().String() || string(parts[2]) != v.method {
		v.errorf("its line in the log is %q", line)
	}
	v.logged++
	v.status, _ = strconv.Atoi(string(parts[4])) // digits
	v.sent, _ = strconv.Atoi(string(parts[5]))   // or "-", which is 0
	return len(line), nil
}

// compareLog compares the line in the log with what has come.
func (v *httpVisit) compareLog(code, bytes int) {
	if v.logged == 0 || v.site.m.harsh { // it is written when the answer is handed over
		return
	}
	if v.status != code || v.sent != bytes {
		v.errorf("the log says %d with %d bytes, and %d with %d have come", v.status, v.sent, code, bytes)
	}
}
