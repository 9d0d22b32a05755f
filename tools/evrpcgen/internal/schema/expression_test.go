package schema

import (
	"strings"
	"testing"
)

func TestExpressions(t *testing.T) {
	defines := map[string]*define{"A": {value: "2"}, "B": {value: "A + 1"}, "LOOP": {value: "LOOP"}}
	for _, tt := range []struct {
		text string
		want int64
	}{
		{"1", 1}, {"0x1F", 31}, {"010", 8}, {"10UL", 10}, {"(3)", 3},
		{"1+2*3", 7}, {"(1+2)*3", 9}, {"7/2", 3}, {"7%4", 3}, {"1-2-3", -4}, {"2*-3", -6},
		{"1<<4", 16}, {"256>>4", 16}, {"1<2", 1}, {"2<=1", 0}, {"1>2", 0}, {"2>=2", 1}, {"1==1", 1}, {"1!=1", 0},
		{"6&3", 2}, {"6|3", 7}, {"6^3", 5}, {"~0", -1}, {"!3", 0}, {"+4", 4},
		{"1&&0", 0}, {"1||0", 1}, {"1|2&&0", 0}, {"0||0&&1", 0},
		{"1?2:3", 2}, {"0?2:3", 3}, {"0?1:0?2:3", 3},
		{"A*B", 6}, {"defined(A)+defined B + defined(C)", 2}, {"C", 0},
	} {
		if got, err := evaluate(tt.text, defines, true); got != tt.want || err != nil {
			t.Errorf("%s = %d, %v, want %d", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{
		"", "1+", "(1", "1)", "1 2", "a$", "1?2", "1<<64", "1<<-1", "1/0", "1%0", "09", "1_0", "0b1", "99999999999999999999", "LOOP",
		"defined", "defined(1)", "defined(A", strings.Repeat("(", 10000), strings.Repeat("-", 10000), strings.Repeat("1?", 10000),
	} {
		if v, err := evaluate(text, defines, true); err == nil {
			t.Errorf("%.20s = %d", text, v)
		}
	}
	if v, err := evaluate("defined(A)", defines, false); err == nil {
		t.Error("defined in a length", v)
	}
}
