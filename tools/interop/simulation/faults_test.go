package simulation_test

import (
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A fault is one that the library has had, and that a patch puts back.
type fault struct {
	name    string // of the patch: testdata/faults/NAME.patch
	section string // under which it was listed when it was found
	wrong   string // what goes wrong
	pkg     string // the folder of the package whose test fails with it
	test    string // the name of that test
	unfound string // why no scenario finds it, if so
}

// faults is the table.
var faults = []fault{
	// TLS and HTTP together.
	{name: "server-closes-without-goodbye", section: "A1",
		wrong: "a server over TLS that closes a connection after its last answer sends no close_notify",
		pkg:   "tools/interop/httptls", test: "TestServersSayGoodbye"},
	{name: "client-closes-without-goodbye", section: "A1",
		wrong: "a client over TLS closes connections that it needs no more without close_notify",
		pkg:   "tools/interop/httptls", test: "TestClientsSayGoodbye"},
	{name: "cut-answer-says-goodbye", section: "A1",
		wrong: "an answer that was cut off ends with close_notify, as if it were whole",
		pkg:   "tools/interop/httptls", test: "TestServersSayGoodbye"},
	{name: "cut-body-looks-whole", section: "A1",
		wrong: "a client takes a body that ends with its stream for whole, though the stream was cut off",
		pkg:   "tools/interop/httptls", test: "TestBodiesThatWereCutOffAreNotWhole"},
	{name: "fatal-error-taken-for-failed-write", section: "A2",
		wrong: "an error that ends both directions is taken for one of writing, so that its consumers go on reading until a timeout",
		pkg:   "core/bufferevent", test: "TestOutcomeOfEvents"},
	{name: "handshake-does-not-read-why", section: "A2",
		wrong: "a handshake that cannot write ends at once, and the peer's alert, which has the reason, is not read",
		pkg:   "openssl/evtls", test: "TestEventsBelowMeanWhatTheirOutcomeSays"},
	{name: "hello-without-addresses", section: "A3",
		wrong: "the connection of a ClientHelloInfo has no addresses",
		pkg:   "openssl/evtls", test: "TestConnectionsKnowTheirAddresses"},
	{name: "sessions-share-a-key", section: "A3",
		wrong: "sessions of different servers have one key in a client's cache when no server name is set",
		pkg:   "openssl/evtls", test: "TestSessionsOfServersWithoutAName"},
	{name: "host-does-not-name-the-server", section: "A3",
		wrong: "ConnectHostname does not supply the name that the certificate is checked for",
		pkg:   "openssl/evtls", test: "TestConnectHostnameSuppliesTheServerName"},

	// HTTP.
	{name: "answer-lost-with-the-upload", section: "B1",
		wrong: "a round tripper throws an answer away when the body of the request cannot be read any more",
		pkg:   "http/evnethttp", test: "TestAnswersUnderWayCount"},
	{name: "another-protocol-closes", section: "B2",
		wrong: "an answer that switches protocols has Close set, which ReverseProxy passes on",
		pkg:   "http/evnethttp", test: "TestTheWayToAnotherProtocolDoesNotClose"},
	{name: "closes-after-unread-body-unsaid", section: "B3",
		wrong: "a server closes after an answer, as the body of the request was not read, without Connection: close in it",
		pkg:   "http/evnethttp", test: "TestUnreadBodiesAndTheNextRequest"},
	{name: "lingers-too-short", section: "B3",
		wrong: "a server that lingers closes while the client still sends, which is reset before it reads the answer",
		pkg:   "http/evhttp", test: "TestLingeringLastsAsLongAsTheClientSends"},
	{name: "unknown-methods-refused", section: "B4",
		wrong: "handlers of net/http get only the methods that native ones allow",
		pkg:   "http/evnethttp", test: "TestEveryMethodReachesHandlers"},
	{name: "reset-content-has-content", section: "B4",
		wrong: "an answer with 205 has a body",
		pkg:   "http/evnethttp", test: "TestNoBodyWith205"},
	{name: "timeouts-are-plain-errors", section: "B5",
		wrong: "the error of a request that has timed out is no net.Error with Timeout() true",
		pkg:   "http/evnethttp", test: "TestTimeoutsAreNetErrors"},
	{name: "conn-outlives-its-base", section: "B5",
		wrong: "goroutines that read a net.Conn, such as one that was hijacked, wait for ever once the base is freed",
		pkg:   "core/bufferevent", test: "TestConnsEndWithTheirBase"},
	{name: "client-gone-untold", section: "B7",
		wrong: "a native handler that has not finished its answer is not told that the client has gone",
		pkg:   "http/evhttp", test: "TestClientsThatGoAreToldOf"},
	{name: "panic-leaves-the-connection", section: "B9",
		wrong: "a panic in a native handler leaves its connection within the request for ever",
		pkg:   "http/evhttp", test: "TestPanicsPassThroughTheLoop"},

	// DNS.
	{name: "round-robin-retries", section: "C1",
		wrong: "a retry goes to whose turn it is, which may be the nameserver that has just not answered",
		pkg:   "dns/evdns", test: "TestOrderOfRetries"},
	{name: "nxdomain-waits-for-both", section: "C2",
		wrong: "that a name does not exist for one family does not end the lookup of the other one",
		pkg:   "dns/evdns", test: "TestNoSuchNameForOneFamilyEndsTheLookup"},
	{name: "nxdomain-ends-at-once", section: "C2",
		wrong: "NXDOMAIN for one family throws away the addresses of the other one that are on their way",
		pkg:   "dns/evdns", test: "TestAddressesAfterNoSuchName"},
	{name: "attempts-given-back-for-ever", section: "C3",
		wrong: "a connection to a nameserver that ends costs a lookup no attempt, so that it is sent any number of times",
		pkg:   "dns/evdns", test: "TestALookupOverAStreamKeepsItsAttempts"},
	{name: "unanswered-requests-stay", section: "C4",
		wrong: "requests that nobody answers stay open, and count against the limit of the server",
		pkg:   "dns/evdnsserver", test: "TestServerRequestsEndThatNobodyAnswers"},
	{name: "failed-answer-leaves-the-request-open", section: "C4",
		wrong: "a request whose answer cannot be made stays open, and the client gets nothing",
		pkg:   "dns/evdnsserver", test: "TestServerRequestsEndWhoseAnswersFail"},
	{name: "forwarder-passes-the-hop-on", section: "C5",
		wrong: "a forwarded answer has the options of EDNS that are between the forwarder and its upstream",
		pkg:   "dns/evdnsserver", test: "TestServerRespondMsgKeepsTheHopToItself"},
	{name: "edns-error-is-final", section: "C6",
		wrong: "NOTIMP and BADVERS to EDNS are not followed by a query without it",
		pkg:   "dns/evdns", test: "TestNameserversThatDoNotKnowEDNS"},
	{name: "silence-to-edns", section: "C6",
		wrong: "a nameserver that drops queries with EDNS is sent nothing else",
		pkg:   "dns/evdns", test: "TestNameserversThatDoNotKnowEDNS"},
	{name: "lower-case-answers-dropped", section: "C6",
		wrong: "the answers of a nameserver that lower-cases the question are dropped without a second opinion",
		pkg:   "dns/evdns", test: "TestNameserversThatChangeLetters"},
	{name: "truncated-over-tcp-is-void", section: "C6",
		wrong: "an answer over TCP that is usable is dropped because it has TC set",
		pkg:   "dns/evdns", test: "TestTruncatedAnswersOverTCP"},
	{name: "no-nameserver-waits", section: "C7",
		wrong: "a lookup without a nameserver waits instead of failing at once",
		pkg:   "dns/evdns", test: "TestWithoutANameserver"},
	{name: "waiting-has-no-limit", section: "C7",
		wrong: "the time in which a lookup waits for its turn does not count",
		pkg:   "dns/evdns", test: "TestTheTimeOfALookupIncludesWaiting"},
	{name: "reasons-become-timeouts", section: "C7",
		wrong: "refused, unreachable and failed nameservers are reported as timeouts",
		pkg:   "dns/evdns", test: "TestReasonsAreDifferent"},
	{name: "localhost-is-asked-for", section: "C8",
		wrong: "nameservers are asked for localhost and invalid",
		pkg:   "dns/evdns", test: "TestNamesThatNoNameserverIsAskedFor"},
	{name: "equal-questions-each-asked", section: "C8",
		wrong: "equal questions at the same time are asked once for each who asks",
		pkg:   "dns/evdns", test: "TestEqualQuestionsAreAskedOnce"},
	{name: "failures-not-remembered", section: "C8",
		wrong: "a lookup that has failed is tried again at once by the next who asks",
		pkg:   "dns/evdns", test: "TestFailuresAreKeptForAMoment"},

	// The loop.
	{name: "loop-exit-later-is-work", section: "D1",
		wrong: "LoopExit after a time counts as the work that a loop with LoopOnce waits for",
		pkg:   "core/event", test: "TestConformanceLoopEnds"},
	{name: "inbox-entry-stays", section: "D3",
		wrong: "an activation that Del has taken back leaves an entry, which steals a later one of another base",
		pkg:   "core/event", test: "TestConformanceRefused"},
	{name: "wait-after-callbacks-not-shortened", section: "D5",
		wrong: "the time that callbacks have taken is not taken off the wait for the next timer",
		pkg:   "core/event", test: "TestConformanceWatchers"},
	{name: "loop-exit-one-priority", section: "D6",
		wrong: "LoopExit ends the loop before active events of less urgent priorities have run",
		pkg:   "core/event", test: "TestConformanceLoopEnds"},
	{name: "posts-dropped-at-the-end", section: "D7",
		wrong: "functions that were accepted by Post before the loop ended are not run by DrainPosts",
		pkg:   "core/event", test: "TestConformancePost"},
	{name: "events-no-snapshot", section: "D8",
		wrong: "Del of an event while Events visits them upsets the visit",
		pkg:   "core/event", test: "TestConformanceRefused"},
	{name: "timeout-needs-descriptor", section: "D9",
		wrong: "an event without a descriptor and with a timeout is refused",
		pkg:   "core/event", test: "TestConformanceMisuse"},
	{name: "listener-fixed-share", section: "D10",
		wrong: "a listener accepts a fixed number of connections in an iteration, however busy the loop is",
		pkg:   "core/listener", test: "TestListenerSharesABusyLoop"},

	// Buffers and streams.
	{name: "small-add-behind-moved", section: "E1",
		wrong: "a small piece before moved data keeps a whole chunk of memory",
		pkg:   "core/evbuffer", test: "TestMemoryIsInProportion"},
	{name: "remainder-counts-below", section: "E3",
		wrong: "what a filter leaves below for want of more counts against the watermark there, which keeps out the rest",
		pkg:   "core/bufferevent", test: "TestStacksOfFiltersNeverStop"},
	{name: "room-made-by-holding", section: "E3",
		wrong: "a filter is not told of room that the one below it makes by holding data",
		pkg:   "core/bufferevent", test: "TestStacksOfFiltersNeverStop"},
	{name: "conn-forgets-early-end", section: "E4",
		wrong: "a net.Conn over a stream that has ended before waits for the end for ever",
		pkg:   "tools/interop/netconn", test: "TestConnsOfStreamsThatHaveEnded"},
	{name: "conn-close-not-told-to-partner", section: "E4",
		wrong: "Close of a net.Conn over half a pair is not seen by the other half",
		pkg:   "tools/interop/netconn", test: "TestCloseIsSeenByTheOtherEnd"},
	{name: "conn-writes-interleave", section: "E4",
		wrong: "what several goroutines write to a net.Conn at the same time is mixed",
		pkg:   "tools/interop/netconn", test: "TestConcurrentWritesAreNotMixed"},
	{name: "move-told-one-by-one", section: "E5",
		wrong: "a callback of the one buffer of a move that changes the other makes the figures of callbacks contradict each other",
		pkg:   "core/evbuffer", test: "TestCallbacksThatChangeBuffersLeaveFiguresThatFollowOneAnother"},
	{name: "filter-called-after-its-end", section: "E6",
		wrong: "Flush after CloseWrite calls an output filter that was told that nothing follows",
		pkg:   "core/bufferevent", test: "TestAStreamEndsOnce"},
	{name: "pair-ends-twice", section: "E6",
		wrong: "the end of a pair's half is reported twice",
		pkg:   "core/bufferevent", test: "TestAStreamEndsOnce"},
	{name: "no-bound-below", section: "E9",
		wrong: "filters put any amount below, so that nothing above learns of a peer that does not read",
		pkg:   "core/bufferevent", test: "TestAPeerThatDoesNotReadIsNoticedAbove"},
	{name: "write-timeout-not-lent", section: "E9",
		wrong: "the write timeout of a filter does not run for what waits below it",
		pkg:   "core/bufferevent", test: "TestWriteTimeoutsWorkThroughFilters"},
	{name: "unsent-of-the-top-only", section: "E9",
		wrong: "Unsent does not count what waits below, so that who waits for progress gives up or ends too early",
		pkg:   "core/bufferevent", test: "TestAPeerThatDoesNotReadIsNoticedAbove"},
	{name: "failed-connect-keeps-socket", section: "E9",
		wrong: "a failed Connect leaves the socket that it has made, and the next one fails",
		pkg:   "core/bufferevent", test: "TestAFailedConnectClosesItsSocket"},
}

// What the table has to have: of each section so many, and no more that are not found.
const (
	fewestOfASection = 5
	mostUnfound      = 3
	// A fault is a few lines. Each patch changes no more.
	mostLines = 45
)

// root is the folder of the repository.
var root = filepath.Join("..", "..", "..")

func (f *fault) path() string { return filepath.Join("testdata", "faults", f.name+".patch") }

// files returns the patched files by their names, relative to root.
func (f *fault) files(t testing.TB) map[string]string {
	t.Helper()
	text, err := os.ReadFile(f.path())
	if err != nil {
		t.Fatal(err)
	}
	patches, err := parsePatch(string(text))
	if err != nil {
		t.Fatalf("%s: %v", f.path(), err)
	}
	files := make(map[string]string)
	for _, p := range patches {
		before, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p.name)))
		if err != nil {
			t.Fatal(err)
		}
		after, err := p.apply(string(before))
		if err != nil {
			t.Fatalf("%s: %v", f.path(), err)
		}
		files[p.name] = after
	}
	if len(files) == 0 {
		t.Fatalf("%s changes nothing", f.path())
	}
	return files
}

func TestFaultsApply(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			for name, text := range f.files(t) {
				if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
					t.Errorf("%s is no code of the library", name)
				}
				if _, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution); err != nil {
					t.Error(err)
				}
				if formatted, err := format.Source([]byte(text)); err != nil || string(formatted) != text {
					t.Errorf("%s is not formatted (%v)", name, err)
				}
			}
			if n := f.changedLines(t); n > mostLines {
				t.Errorf("%d lines are changed", n)
			}
			if !f.hasTest(t) {
				t.Errorf("there is no %s in %s", f.test, f.pkg)
			}
		})
	}
}

// changedLines returns how many lines the patch removes and adds.
func (f *fault) changedLines(t testing.TB) (n int) {
	t.Helper()
	text, err := os.ReadFile(f.path())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if regexp.MustCompile(`^(-[^-]|\+[^+]|[-+]$)`).MatchString(line) {
			n++
		}
	}
	return n
}

// hasTest reports whether the test that the table names exists.
func (f *fault) hasTest(t testing.TB) bool {
	t.Helper()
	tests, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(f.pkg), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(tests, func(name string) bool {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(text), "\nfunc "+f.test+"(t *testing.T)")
	})
}

// TestFaultsAreATable checks that the table and the folder agree, and what the table
// has to have.
func TestFaultsAreATable(t *testing.T) {
	var names, unfound []string
	sections := make(map[byte]int)
	for _, f := range faults {
		names = append(names, f.name)
		if !regexp.MustCompile(`^[A-E][0-9]+$`).MatchString(f.section) || f.wrong == "" {
			t.Errorf("%s: section %q, %q", f.name, f.section, f.wrong)
			continue
		}
		sections[f.section[0]]++
		if f.unfound != "" {
			unfound = append(unfound, f.name)
		}
	}
	for section := byte('A'); section <= 'E'; section++ {
		if n := sections[section]; n < fewestOfASection {
			t.Errorf("%d faults of section %c", n, section)
		}
	}
	if len(unfound) > mostUnfound {
		t.Errorf("%d faults are not found: %q", len(unfound), unfound)
	}
	patches, err := filepath.Glob(filepath.Join("testdata", "faults", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range patches {
		patches[i] = strings.TrimSuffix(filepath.Base(path), ".patch")
	}
	slices.Sort(names)
	slices.Sort(patches)
	if !slices.Equal(names, patches) {
		t.Errorf("the table has %q, the folder %q", names, patches)
	}
	if len(slices.Compact(names)) != len(faults) {
		t.Error("a fault is in the table twice")
	}
}
