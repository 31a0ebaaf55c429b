// A server of calls.proto by grpc-go: it does what a call asks for, and prints its port. For every
// line of its standard input, and at its end, it prints the number of calls by the status that they
// ended with, as JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// order is the message Order of calls.proto, as far as it is needed.
type order struct {
	status, size, replies uint64
	message               string
	waits                 bool
}

type reply struct {
	number  uint64
	payload []byte
}

// codec reads orders and writes replies, so that nothing need be generated.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(value any) (mem.BufferSlice, error) {
	made := value.(*reply)
	data := protowire.AppendTag(nil, 1, protowire.VarintType)
	data = protowire.AppendVarint(data, made.number)
	data = protowire.AppendTag(data, 2, protowire.BytesType)
	data = protowire.AppendBytes(data, made.payload)
	return mem.BufferSlice{mem.SliceBuffer(data)}, nil
}

func (codec) Unmarshal(data mem.BufferSlice, value any) error {
	into := value.(*order)
	for rest := data.Materialize(); len(rest) > 0; {
		field, kind, size := protowire.ConsumeTag(rest)
		if size < 0 {
			return protowire.ParseError(size)
		}
		rest = rest[size:]
		var number uint64
		var text []byte
		switch kind {
		case protowire.VarintType:
			number, size = protowire.ConsumeVarint(rest)
		case protowire.BytesType:
			text, size = protowire.ConsumeBytes(rest)
		default:
			return fmt.Errorf("field %d has wire type %d", field, kind)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		rest = rest[size:]
		switch field {
		case 1:
			into.status = number
		case 2:
			into.message = string(text)
		case 3:
			into.size = number
		case 4:
			into.replies = number
		case 5:
			into.waits = number != 0
		}
	}
	return nil
}

var _ encoding.CodecV2 = codec{}

type counts struct {
	lock sync.Mutex
	ends map[string]int
}

func (c *counts) end(ctx context.Context, o *order) error {
	if o.waits {
		<-ctx.Done()
		c.add("cancelled")
		return ctx.Err()
	}
	code := codes.Code(o.status)
	c.add(code.String())
	if code == codes.OK {
		return nil
	}
	return status.Error(code, o.message)
}

func (c *counts) add(name string) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.ends[name]++
}

func (c *counts) print() {
	c.lock.Lock()
	defer c.lock.Unlock()
	if err := json.NewEncoder(os.Stdout).Encode(c.ends); err != nil {
		os.Exit(1)
	}
}

func call(server any, ctx context.Context, read func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var o order
	if err := read(&o); err != nil {
		return nil, err
	}
	return &reply{1, make([]byte, o.size)}, server.(*counts).end(ctx, &o)
}

func stream(server any, calls grpc.ServerStream) error {
	var o order
	if err := calls.RecvMsg(&o); err != nil {
		return err
	}
	for number := range o.replies {
		if err := calls.SendMsg(&reply{number + 1, make([]byte, o.size)}); err != nil {
			return err
		}
	}
	return server.(*counts).end(calls.Context(), &o)
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	seen := &counts{ends: map[string]int{}}
	server := grpc.NewServer(grpc.ForceServerCodecV2(codec{}))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "bench.test.Calls",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Call", Handler: call}},
		Streams:     []grpc.StreamDesc{{StreamName: "Stream", Handler: stream, ServerStreams: true}},
	}, seen)
	go func() {
		if err := server.Serve(listener); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		seen.print()
	}
	server.Stop()
	seen.print()
}
