package architecture

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// logs are functions and variables that write a message past event.Logger, by package.
// Those of slog that only make a value are not among them.
var logs = map[string]func(name string) bool{
	"log": func(name string) bool { return name != "Logger" },
	"log/slog": func(name string) bool {
		switch name {
		case "Debug", "DebugContext", "Info", "InfoContext", "Warn", "WarnContext", "Error", "ErrorContext",
			"Log", "LogAttrs", "Default", "With", "New", "NewTextHandler", "NewJSONHandler", "SetDefault":
			return true
		}
		return false
	},
	"os": func(name string) bool { return name == "Stderr" },
}

// CheckLogging returns where a package writes messages by another way than
// event.Logger. A package whose path is among the allowed may do so.
func (p *Program) CheckLogging(allowed ...string) []string {
	var problems []string
	for _, pkg := range p.Packages {
		if slices.Contains(allowed, pkg.Path) {
			continue
		}
		for _, file := range pkg.Files {
			ast.Inspect(file, func(n ast.Node) bool {
				id, ok := n.(*ast.Ident)
				if !ok {
					return true
				}
				if call, ok := pkg.Info.Uses[id].(*types.Builtin); ok && strings.HasPrefix(call.Name(), "print") {
					problems = append(problems, p.problem(pkg, id.Pos(), "calls %s", call.Name()))
				}
				used := pkg.Info.Uses[id]
				if used == nil || used.Pkg() == nil || used.Parent() != used.Pkg().Scope() {
					return true
				}
				if writes := logs[used.Pkg().Path()]; writes != nil && writes(used.Name()) {
					problems = append(problems, p.problem(pkg, id.Pos(), "logs by %s.%s", used.Pkg().Name(), used.Name()))
				}
				return true
			})
		}
	}
	return problems
}
