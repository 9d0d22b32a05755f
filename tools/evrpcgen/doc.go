// Evrpcgen writes Go code for the messages and RPCs that .rpc files describe, as
// event_rpcgen.py does for C. What a program in C encodes by its code, one in Go decodes by
// this, and the other way round.
//
// Usage:
//
//	evrpcgen [flags] file.rpc...
//
// In a package it is best run by go generate:
//
//	//go:generate go run github.com/go-libevent/libevent/tools/evrpcgen service.rpc
//
// The flags are:
//
//	-package name    name of the package; by default $GOPACKAGE, which go generate sets, or
//	                 the name of the folder
//	-o file          one file for the code of all files; by default there is x.rpc.go beside
//	                 each x.rpc
//	-D name[=value]  a #define that has precedence over those in files; the value is 1 if none
//	                 is given
//	-I folder        where to look for included files, after the folder of the one that
//	                 includes them
//	-M file=path     the import path of the Go package that has the code of an included file
//	-max-depth n     how many messages may be around a message that is decoded
//	-max-message n   how long a message may be that is decoded, in bytes
//	-max-memory n    how much memory a message may take that is decoded, in bytes
//
// The defaults of the limits are those of evtag's ParserConfig. -D, -I and -M may be
// repeated.
//
// Everything that is wrong with the files is printed at once, with file, line and column
// (which counts bytes), and nothing is written. The exit status is 0 when code was written, 1
// when files are wrong, and 2 when the command was called wrongly.
//
// # Files that describe messages
//
//	// A kill is a message.
//	struct kill {
//		string weapon = 0x10121;
//		optional int64 at = 2;		// in seconds
//		array int how_often = 3;
//		bytes key[KEY_SIZE] = 4;
//		struct[run] run = 5;
//	}
//
// A file consists of structs, whose entries have a type, a name and a tag, which tells them
// apart in the encoding and is unique in its struct: a number of 32 bits, decimal or, after
// 0x, hexadecimal. Entries end with semicolons, of which the last may be missing; none
// follows a struct. The types are int (32 bits, not signed), int64 (64 bits, not signed), string, bytes, bytes
// of a fixed length, and struct[NAME] for another message, which may be described later, or be
// the same. An entry has to be set in a message, unless it is optional or an array, which has
// any number of elements; there are no arrays of bytes. Comments are those of C and C++.
// Those above structs and entries, or behind entries, become documentation.
//
// A line of this form describes an RPC. For event_rpcgen.py it is a comment; what it does for
// RPCs is up to macros in C.
//
//	//rpc Send(kill) returns (run);
//
// # The code
//
// A struct becomes a type with methods. Names are those of C in CamelCase: how_often is
// HowOften, struct kill is Kill. If that is the name of another method, an underscore is
// put behind; for a type that is an error. The zero value of the type is an empty message.
//
//   - Entries have Weapon, SetWeapon, HasWeapon and ClearWeapon; arrays have HowOften,
//     SetHowOften, AddHowOften and ClearHowOften; messages in messages have Run, SetRun, HasRun,
//     ClearRun and MutableRun, which makes one if there is none, and arrays of them AddNewRun.
//   - Reset makes a message empty. Complete says what is not set that has to be.
//   - AppendTo encodes a message to an evbuffer: entries in the order of the file, which is
//     that of C. Unmarshal decodes one, with entries in any order. Tags that the message does not
//     have, entries that are there twice, missing ones, and what exceeds a limit, are errors
//     which name the entry: evtag's FieldError. UnmarshalWith has limits as an argument.
//   - RecordsSize, AppendRecords and ParseRecords do so in memory; messages in messages use them.
//
// For an RPC there are functions on package evrpc: RegisterSend on a server, MakeSend on a
// client's loop, InvokeSend elsewhere, which waits for the reply. Code of files without RPCs
// does not import evrpc.
//
// # Defines, conditions, includes
//
// event_rpcgen.py copies the lines of the preprocessor to the code in C. In Go there is none, so
// that evrpcgen does what they say:
//
//   - #define: its value may be an integer constant expression of C, which lengths of bytes and
//     conditions may use. Those that are the length of an entry become constants: KEY_SIZE
//     is KeySize. Others are of no effect; #undef, #error and #pragma are known.
//
//   - #if, #ifdef, #ifndef, #elif, #else, #endif: what does not apply is left out, with -D to
//     choose. event_rpcgen.py knows #if, #ifdef and #endif outside of structs, and puts the
//     #includes between them, but writes code for all structs always.
//
//   - #include "x.gen.h", as the code in C needs it, or "x.h" or "x.rpc", reads x.rpc, if there
//     is one, for the structs and defines there. Headers without such a file, and <x.h>, are for C
//     alone. Code is written for the files on the command line only, as in C. By default that of
//     included files is expected in the same package: name all files in one command, or have
//     one for each. If it is in another package, -M tells which:
//
//     evrpcgen -M common.gen.h=example.com/common service.rpc
//
// # Coming from C
//
//   - Ends of lines and space make no difference. For event_rpcgen.py the brace has to be in
//     the line of the struct, and there is space around "=" and names.
//   - Two slashes begin a comment whatever follows. For event_rpcgen.py a slash and an
//     asterisk in there begin another one, and a comment of several lines has to begin and end
//     in lines of its own.
//   - A struct that requires itself, and so never is complete, is an error, and so are entries
//     of a struct that have the same name, which a compiler of C finds.
//   - Messages in messages are not copied when they are set.
//   - A message that is not complete is not encoded. In C numbers are 0 then, and strings crash.
//   - Decoding has limits: of depth, length and memory.
//   - Strings may have NULs in them, at which C ends them.
//
// # Files
//
//	main.go  flags, files, and the exit status
package main
