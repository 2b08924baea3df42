package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// tokenVariable names the environment variable with the bearer token for all servers: a command line is public.
const tokenVariable = "WATCHLOAD_TOKEN"

type dialer struct {
	tls   *tls.Config
	token string
}

func newDialer(ca string) (*dialer, error) {
	roots := x509.NewCertPool()
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		roots.AppendCertsFromPEM(pem)
	}
	return &dialer{tls: &tls.Config{RootCAs: roots}, token: os.Getenv(tokenVariable)}, nil
}

// transport returns one for the requests that change Jobs, on a connection that is kept.
func (d *dialer) transport() http.RoundTripper {
	return &http.Transport{TLSClientConfig: d.tls.Clone(), DisableCompression: true}
}

// get sends a GET and returns the connection and the body once the answer is 200. It speaks HTTP/1.1 on a plain
// connection: a goroutine, a buffer and nothing else for each of thousands of watches.
func (d *dialer) get(ctx context.Context, address, accept string) (net.Conn, io.Reader, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, nil, err
	}
	connection, err := d.connect(ctx, target)
	if err != nil {
		return nil, nil, err
	}
	// However silent the server: the program's end closes the connection before its answer began.
	defer context.AfterFunc(ctx, func() { connection.Close() })()
	body, err := d.ask(connection, target, accept)
	if err != nil {
		connection.Close()
		return nil, nil, err
	}
	return connection, body, nil
}

func (d *dialer) connect(ctx context.Context, target *url.URL) (net.Conn, error) {
	plain := net.Dialer{Timeout: 30 * time.Second}
	if target.Scheme == "https" {
		return (&tls.Dialer{NetDialer: &plain, Config: d.tls}).DialContext(ctx, "tcp", target.Host)
	}
	return plain.DialContext(ctx, "tcp", target.Host)
}

func (d *dialer) ask(connection net.Conn, target *url.URL, accept string) (io.Reader, error) {
	var request strings.Builder
	fmt.Fprintf(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: %s\r\n", target.RequestURI(), target.Host, accept)
	if d.token != "" {
		fmt.Fprintf(&request, "Authorization: Bearer %s\r\n", d.token)
	}
	request.WriteString("\r\n")
	if _, err := io.WriteString(connection, request.String()); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(connection, 16<<10), nil)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1024))
		return nil, fmt.Errorf("%s answered %s: %s", target.Host, answer.Status, strings.TrimSpace(string(text)))
	}
	return answer.Body, nil
}
