package lambda

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/runtimeapi"
	"github.com/assaylab/assay/lambda/sandbox"
)

// The time that processes get to end, by who has registered, as on AWS. The runtime's part comes first.
const (
	graceInternal = 500 * time.Millisecond
	graceExternal = 2 * time.Second
	graceRuntime  = 300 * time.Millisecond // of graceExternal
)

// instance is one set of processes of an environment, the runtime and the external extensions, with
// its API. It ends as a whole.
type instance struct {
	box        *sandbox.Sandbox
	api        *runtimeapi.Server
	address    string
	runtime    *sandbox.Process // nil until it is started
	extensions map[string]*sandbox.Process

	exits    chan exit // one of each process
	watching sync.WaitGroup
	frozen   bool
}

// exit is the end of a process: the runtime's if extension is "".
type exit struct {
	extension string
	err       error // as Process.Exit says
}

// newInstance opens the API for processes to come.
func (v *environment) newInstance(phase string) (*instance, error) {
	listener, err := v.listen()
	if err != nil {
		return nil, err
	}
	fn := v.version
	inst := &instance{
		box: v.box, address: listener.Addr().String(), extensions: map[string]*sandbox.Process{},
		exits: make(chan exit, 1+runtimeapi.MaxExtensions),
	}
	inst.api = runtimeapi.New(runtimeapi.Config{
		Listener: listener, ID: uuid.NewString, Dial: v.box.Dial, Now: v.engine.opts.Now, Pace: v.engine.pace(), External: v.version.extensions(),
		FunctionName: fn.Name, FunctionVersion: fn.number, Handler: fn.Handler, AccountID: assay.EmbeddedAccount,
		Init: v.initStart(phase),
	})
	v.log.tell(func(line []byte) { inst.api.Log("function", line) })
	return inst, nil
}

// listen opens the API's port. That of the instance before is, for a moment, also held by whatever
// process is being started elsewhere just then, between its fork and its exec.
func (v *environment) listen() (listener net.Listener, err error) {
	for range 200 {
		if listener, err = v.box.Listen(); !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return listener, err
}

// startExtensions starts all of the function's external extensions.
func (i *instance) startExtensions(v *environment) error {
	for _, name := range v.version.extensions() {
		log := v.log.beside()
		log.tell(func(line []byte) { i.api.Log("extension", line) })
		p, err := i.box.Start(sandbox.Command{
			Path: v.extensionPath(name), Env: v.forExtension(i.address), Dir: "/", Output: log,
		})
		if err != nil {
			return err
		}
		i.extensions[name] = p
		i.watch(name, p)
	}
	return nil
}

func (i *instance) startRuntime(v *environment) (err error) {
	path, args := v.command()
	i.runtime, err = i.box.Start(sandbox.Command{
		Path: path, Args: args, Env: v.forRuntime(i.address), Dir: v.box.Path("/var/task"), Output: v.log,
	})
	if err == nil {
		i.watch("", i.runtime)
	}
	return err
}

// watch reports the end of a process.
func (i *instance) watch(name string, p *sandbox.Process) {
	i.watching.Go(func() {
		<-p.Done()
		i.exits <- exit{name, p.Exit()}
	})
}

// ended has an element when a process has ended. There is none of no instance.
func (i *instance) ended() <-chan exit {
	if i == nil {
		return nil
	}
	return i.exits
}

// flush brings in what the processes have written so far.
func (i *instance) flush() {
	for _, p := range i.extensions {
		p.Flush()
	}
	i.runtime.Flush()
}

// freeze stops the processes until thaw. What cannot be frozen runs on.
func (i *instance) freeze() {
	if i != nil && !i.frozen {
		i.frozen = i.box.Freeze() == nil
	}
}

func (i *instance) thaw() {
	if i.frozen {
		i.box.Thaw()
		i.frozen = false
	}
}

// posted is the error that a process reported before it ended, if any.
func (i *instance) posted() *runtimeapi.Failure {
	select {
	case f := <-i.api.Failures():
		return &f
	default:
		return nil
	}
}

// stop ends the processes and the API. Only where extensions are registered do the processes have a
// say, unless hard ends: the runtime gets SIGTERM, then the extensions that want it a SHUTDOWN event
// with the reason.
func (i *instance) stop(reason string, hard <-chan struct{}) {
	i.thaw()
	if registered := i.api.Extensions(); len(registered) > 0 && i.runtime != nil {
		i.part(registered, reason, hard)
	}
	i.box.Kill()
	i.watching.Wait()
	i.api.Close()
}

// part lets the processes end by themselves.
func (i *instance) part(registered []runtimeapi.Extension, reason string, hard <-chan struct{}) {
	deadline := time.Now().Add(graceExternal)
	timer := time.NewTimer(graceRuntime)
	if len(i.extensions) == 0 {
		timer.Reset(graceInternal)
	}
	defer timer.Stop()
	i.runtime.Terminate()
	await(i.runtime, timer.C, hard)
	i.runtime.Kill()
	i.api.Shutdown(reason, deadline)
	timer.Reset(time.Until(deadline))
	for _, x := range registered {
		if p := i.extensions[x.Name]; p != nil && x.Shutdown {
			await(p, timer.C, hard)
		}
	}
}

// await waits for a process, and tells whether it ended in time.
func await(p *sandbox.Process, late <-chan time.Time, hard <-chan struct{}) bool {
	select {
	case <-p.Done():
		return true
	case <-late:
	case <-hard:
	}
	return false
}

// extensionsFolder is where AWS looks for extensions, below each layer.
const (
	extensionsFolder   = "extensions"
	disabledExtensions = "disable-extensions-jwigqn8j" // a file that turns them off
)

// extensions lists a version's external extensions: the executables that its layers bring. At most
// runtimeapi.MaxExtensions are started.
func (v *version) extensions() (names []string) {
	seen := map[string]bool{}
	for _, layer := range v.opt() {
		if _, err := os.Stat(filepath.Join(layer, disabledExtensions)); err == nil {
			return nil
		}
		entries, _ := os.ReadDir(filepath.Join(layer, extensionsFolder))
		for _, entry := range entries {
			if !entry.IsDir() && !seen[entry.Name()] {
				seen[entry.Name()] = true
				names = append(names, entry.Name())
			}
		}
	}
	return names
}

// extensionPath is where the sandbox's processes find an extension.
func (v *environment) extensionPath(name string) string {
	path := v.box.Path("/opt/extensions/" + name)
	if strings.HasPrefix(path, "/opt/") {
		return path
	}
	for _, layer := range v.version.opt() { // without mounts there is a path for each layer
		if own := filepath.Join(layer, extensionsFolder, name); exists(own) {
			path = own
		}
	}
	return path
}
