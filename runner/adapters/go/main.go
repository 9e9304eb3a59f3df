// An adapter for wazero, using the process protocol wap/1.
//
// It reads requests from standard input, one per line, and writes one line per request to standard
// output, in order. docs/protocol.md specifies the protocol.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"unicode"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// features are all that wazero implements.
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesThreads | experimental.CoreFeaturesTailCall

// failure is why a request failed: a class of the protocol, and a message.
type failure struct{ class, message string }

func (f failure) Error() string { return f.class + " " + f.message }

func fail(class string, message any) error { return failure{class, fmt.Sprint(message)} }

// script is the state of the running script.
type script struct {
	runtime    wazero.Runtime
	modules    map[string]wazero.CompiledModule
	instances  map[string]api.Module
	registered map[string][]api.Module // the instances registered under each name
}

// begin starts a script in a new store.
func begin(ctx context.Context) (*script, error) {
	s := &script{
		runtime:    wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCoreFeatures(features)),
		modules:    map[string]wazero.CompiledModule{},
		instances:  map[string]api.Module{},
		registered: map[string][]api.Module{},
	}
	// A host reference is not a valid address: it is a number plus one, so that it is never null.
	i32, externref := []api.ValueType{api.ValueTypeI32}, []api.ValueType{api.ValueTypeExternref}
	makeReference := func(_ context.Context, stack []uint64) { stack[0] = uint64(uint32(stack[0])) + 1 }
	compare := func(_ context.Context, stack []uint64) {
		if stack[0] == uint64(uint32(stack[1]))+1 {
			stack[0] = 1
		} else {
			stack[0] = 0
		}
	}
	builder := s.runtime.NewHostModuleBuilder("$h")
	builder.NewFunctionBuilder().WithGoFunction(api.GoFunc(makeReference), i32, externref).Export("host")
	builder.NewFunctionBuilder().WithGoFunction(api.GoFunc(compare), append(externref, i32...), i32).Export("eq")
	_, err := builder.Instantiate(ctx)
	return s, err
}

func (s *script) compile(ctx context.Context, text string) (wazero.CompiledModule, error) {
	wasm, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fail("error", err)
	}
	module, err := s.runtime.CompileModule(ctx, wasm)
	if err != nil {
		return nil, fail("compile", err)
	}
	return module, nil
}

// instantiate gets each imported module from resolve; nil means that it does not exist.
func (s *script) instantiate(ctx context.Context, module wazero.CompiledModule, resolve experimental.ImportResolver) (api.Module, error) {
	// Anonymous, since registered names change. WithStartFunctions without arguments: only the
	// module's own start function is called.
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	instance, err := s.runtime.InstantiateModule(experimental.WithImportResolver(ctx, resolve), module, config)
	if err != nil {
		return nil, fail(stopped(err), err)
	}
	return instance, nil
}

// provider returns the registered instance from which a module imports under a name. wazero
// requires one instance per name and only lists imported functions and memories, so this is the
// first instance that exports all of these.
func (s *script) provider(module wazero.CompiledModule, name string) api.Module {
	var last api.Module
candidates:
	for _, last = range s.registered[name] {
		for _, function := range module.ImportedFunctions() {
			if from, item, _ := function.Import(); from == name && last.ExportedFunction(item) == nil {
				continue candidates
			}
		}
		for _, memory := range module.ImportedMemories() {
			if from, item, _ := memory.Import(); from == name && last.ExportedMemory(item) == nil {
				continue candidates
			}
		}
		return last
	}
	return last
}

// stopped returns the class of an error of an instantiation or a call. wazero only provides its
// text.
func stopped(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	switch {
	case strings.Contains(text, "stack overflow"):
		return "exhaustion"
	case strings.Contains(text, "wasm error: "), strings.Contains(text, "out of bounds memory access"):
		return "trap"
	case strings.HasPrefix(text, "import "), strings.Contains(text, "not instantiated"),
		strings.Contains(text, "is not exported in module"), strings.HasPrefix(text, "export "):
		return "link"
	case strings.Contains(text, "table size"):
		return "trap"
	}
	return "error"
}

func (s *script) call(ctx context.Context, handle, name string) (string, error) {
	instance, ok := s.instances[handle]
	if !ok {
		return "", fail("nohandle", handle)
	}
	function := instance.ExportedFunction(name)
	if function == nil {
		return "", fail("error", "no function "+name)
	}
	results, err := function.Call(ctx)
	if err != nil {
		return "", fail(stopped(err), err)
	}
	if len(results) != 1 {
		return "", fail("error", name+" does not give one value")
	}
	return fmt.Sprintf("v %d", int32(results[0])), nil
}

func (s *script) wrap(ctx context.Context, handle, underTest, text string) error {
	delete(s.instances, handle)
	instance, ok := s.instances[underTest]
	if !ok {
		return fail("nohandle", underTest)
	}
	module, err := s.compile(ctx, text)
	if err != nil {
		return err
	}
	wrapper, err := s.instantiate(ctx, module, func(name string) api.Module {
		if name == "m" {
			return instance
		}
		return nil // wazero finds the host module by its name.
	})
	if err == nil {
		s.instances[handle] = wrapper
	}
	return err
}

// adapter answers requests and holds the running script.
type adapter struct{ script *script }

func (a *adapter) begin(ctx context.Context) error {
	if a.script != nil {
		if err := a.script.runtime.Close(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "wap-wazero:", err)
		}
	}
	var err error
	a.script, err = begin(ctx)
	return err
}

// answer carries out a request and returns the reply.
func (a *adapter) answer(ctx context.Context, line string) (answer string, err error) {
	// A panic of wazero fails this request only.
	defer func() {
		if reason := recover(); reason != nil {
			answer, err = "", fail("error", fmt.Sprint("panic: ", reason))
		}
	}()
	words := append(strings.Split(line, " "), "", "", "")
	s := a.script
	switch words[0] {
	case "hello":
		if words[1] != "wap/1" {
			return "", fail("unsupported", "this adapter speaks wap/1")
		}
		return "ok engine=wazero version=" + version() + " adapter=go/main.go caps=host", nil
	case "B", "E":
		return "ok " + words[1], a.begin(ctx)
	case "C":
		module, err := s.compile(ctx, words[2])
		if err != nil {
			delete(s.modules, words[1])
			return "", err
		}
		s.modules[words[1]] = module
	case "I":
		delete(s.instances, words[1])
		module, ok := s.modules[words[2]]
		if !ok {
			return "", fail("nohandle", words[2])
		}
		instance, err := s.instantiate(ctx, module, func(name string) api.Module { return s.provider(module, name) })
		if err != nil {
			return "", err
		}
		s.instances[words[1]] = instance
	case "N", "X":
		name, err := url.PathUnescape(words[2])
		if err != nil {
			return "", fail("error", err)
		}
		instance, ok := s.instances[words[1]]
		if !ok {
			return "", fail("nohandle", words[1])
		}
		if words[0] == "N" {
			delete(s.registered, name)
		}
		s.registered[name] = append(s.registered[name], instance)
	case "U":
		name, err := url.PathUnescape(words[1])
		if err != nil {
			return "", fail("error", err)
		}
		delete(s.registered, name)
	case "L":
		return "ok", s.wrap(ctx, words[1], words[2], words[3])
	case "V":
		return s.call(ctx, words[1], words[2])
	default:
		return "", fail("unsupported", "request "+words[0])
	}
	return "ok", nil
}

// version returns the version of wazero that this program was built with.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/tetratelabs/wazero" && module.Replace != nil {
				return module.Version + "+replaced"
			} else if module.Path == "github.com/tetratelabs/wazero" {
				return module.Version
			}
		}
	}
	return ""
}

// oneLine shortens a message and replaces its control characters, so that it fits on one line.
func oneLine(text string) string {
	if runes := []rune(text); len(runes) > 1000 {
		text = string(runes[:1000])
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

func run(ctx context.Context, input io.Reader, output io.Writer) error {
	a := &adapter{}
	if err := a.begin(ctx); err != nil {
		return err
	}
	in, out := bufio.NewReaderSize(input, 1<<16), bufio.NewWriterSize(output, 1<<16)
	for {
		// Flush before a read that may block: the driver may be waiting for the replies.
		if ahead, _ := in.Peek(in.Buffered()); bytes.IndexByte(ahead, '\n') < 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return out.Flush()
		}
		if err != nil {
			return err
		}
		line = strings.TrimRight(line, "\r\n")
		// Plan files may contain empty lines and comments.
		if line == "" || line[0] == '#' {
			continue
		}
		answer, err := a.answer(ctx, line)
		if err != nil {
			answer = "E " + oneLine(err.Error())
		}
		fmt.Fprintln(out, answer)
		// Flush after each script, so that the driver can judge it while the next one runs.
		if strings.HasPrefix(line, "E ") {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

func main() {
	if err := run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "wap-wazero:", err)
		os.Exit(1)
	}
}
