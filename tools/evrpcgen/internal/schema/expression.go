package schema

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxNesting is how deep parentheses and defines may be nested in expressions.
const maxNesting = 100

var (
	errNesting  = errors.New("nested too deep")
	errDivision = errors.New("division by zero")
)

// An expression evaluates what C calls an integer constant expression.
type expression struct {
	rest    string
	defines map[string]*define
	// lax takes names that are not defined for 0, as #if does.
	lax   bool
	depth int
}

// evaluate returns the value of an expression.
func evaluate(text string, defines map[string]*define, lax bool) (int64, error) {
	e := expression{rest: text, defines: defines, lax: lax}
	return e.whole()
}

func (e *expression) whole() (int64, error) {
	v, err := e.choice()
	if err == nil && e.peek() != 0 {
		err = fmt.Errorf("unexpected %q", e.rest)
	}
	return v, err
}

// operators are those with two operands, by precedence. Longer ones come first.
var operators = [][]string{
	{"||"}, {"&&"}, {"|"}, {"^"}, {"&"}, {"==", "!="}, {"<=", ">=", "<", ">"}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "%"},
}

// choice is condition ? a : b.
func (e *expression) choice() (int64, error) {
	if e.depth++; e.depth > maxNesting {
		return 0, errNesting
	}
	defer func() { e.depth-- }()
	condition, err := e.binary(0)
	if err != nil || !e.take("?") {
		return condition, err
	}
	a, err := e.choice()
	if err != nil {
		return 0, err
	}
	if !e.take(":") {
		return 0, errors.New(`":" is missing`)
	}
	b, err := e.choice()
	if condition != 0 {
		return a, err
	}
	return b, err
}

func (e *expression) binary(level int) (int64, error) {
	if level == len(operators) {
		return e.unary()
	}
	left, err := e.binary(level + 1)
	for err == nil {
		op := e.operator(level)
		if op == "" {
			return left, nil
		}
		var right int64
		if right, err = e.binary(level + 1); err == nil {
			left, err = apply(op, left, right)
		}
	}
	return 0, err
}

// operator takes an operator of a level, or returns "".
func (e *expression) operator(level int) string {
	e.peek()
	for _, op := range operators[level] {
		if !strings.HasPrefix(e.rest, op) {
			continue
		}
		// A longer one may be of another level.
		after := e.rest[len(op):]
		if strings.Contains("|&<>", op) && strings.HasPrefix(after, op) {
			continue
		}
		e.rest = after
		return op
	}
	return ""
}

func apply(op string, a, b int64) (int64, error) {
	switch op {
	case "||":
		return truth(a != 0 || b != 0), nil
	case "&&":
		return truth(a != 0 && b != 0), nil
	case "|":
		return a | b, nil
	case "^":
		return a ^ b, nil
	case "&":
		return a & b, nil
	case "==":
		return truth(a == b), nil
	case "!=":
		return truth(a != b), nil
	case "<=":
		return truth(a <= b), nil
	case ">=":
		return truth(a >= b), nil
	case "<":
		return truth(a < b), nil
	case ">":
		return truth(a > b), nil
	case "<<", ">>":
		if b < 0 || b > 63 {
			return 0, errors.New("shift is out of range")
		}
		if op == "<<" {
			return a << b, nil
		}
		return a >> b, nil
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	}
	if b == 0 {
		return 0, errDivision
	}
	if op == "/" {
		return a / b, nil
	}
	return a % b, nil
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (e *expression) unary() (int64, error) {
	c := e.peek()
	if strings.IndexByte("!-+~", c) < 0 || c == 0 {
		return e.primary(c)
	}
	e.rest = e.rest[1:]
	if e.depth++; e.depth > maxNesting {
		return 0, errNesting
	}
	defer func() { e.depth-- }()
	v, err := e.unary()
	switch c {
	case '!':
		v = truth(v == 0)
	case '-':
		v = -v
	case '~':
		v = ^v
	}
	return v, err
}

func (e *expression) primary(c byte) (int64, error) {
	switch {
	case c == 0:
		return 0, errors.New("number is missing")
	case c == '(':
		e.rest = e.rest[1:]
		v, err := e.choice()
		if err == nil && !e.take(")") {
			err = errors.New(`")" is missing`)
		}
		return v, err
	case isDigit(c):
		return parseNumber(e.word())
	case isLetter(c):
		return e.name(e.word())
	}
	return 0, fmt.Errorf("unexpected %q", rune(c))
}

// name is a define, or defined(NAME).
func (e *expression) name(name string) (int64, error) {
	if name == "defined" && e.lax {
		return e.isDefined()
	}
	d := e.defines[name]
	switch {
	case d == nil && e.lax:
		return 0, nil
	case d == nil:
		return 0, fmt.Errorf("%s is not defined", name)
	case d.arguments:
		return 0, fmt.Errorf("%s has arguments", name)
	case e.depth >= maxNesting:
		return 0, errNesting
	}
	inner := expression{rest: d.value, defines: e.defines, lax: e.lax, depth: e.depth + 1}
	v, err := inner.whole()
	if err != nil {
		return 0, fmt.Errorf("%s is no number: %w", name, err)
	}
	return v, nil
}

func (e *expression) isDefined() (int64, error) {
	inside := e.take("(")
	name := ""
	if isLetter(e.peek()) {
		name = e.word()
	}
	if name == "" || inside && !e.take(")") {
		return 0, errors.New("defined wants a name")
	}
	return truth(e.defines[name] != nil), nil
}

// peek goes over space, and returns the next byte, or 0 at the end.
func (e *expression) peek() byte {
	e.rest = strings.TrimLeft(e.rest, " \t\r")
	if e.rest == "" {
		return 0
	}
	return e.rest[0]
}

// take takes text, if it is next.
func (e *expression) take(text string) bool {
	e.peek()
	rest, ok := strings.CutPrefix(e.rest, text)
	e.rest = rest
	return ok
}

func (e *expression) word() string {
	n := 0
	for n < len(e.rest) && isWordByte(e.rest[n]) {
		n++
	}
	w := e.rest[:n]
	e.rest = e.rest[n:]
	return w
}

// parseNumber returns the value of a number of C.
func parseNumber(text string) (int64, error) {
	v, err := strconv.ParseUint(strings.TrimRight(text, "uUlL"), 0, 63)
	if err != nil || strings.ContainsAny(text, "_bBoO") && !strings.HasPrefix(strings.ToLower(text), "0x") {
		return 0, fmt.Errorf("%s is no number", text)
	}
	return int64(v), nil
}
