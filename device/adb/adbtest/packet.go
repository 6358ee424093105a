package adbtest

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Packets of the daemon protocol (packages/modules/adb/protocol.txt).
const (
	cmdCNXN = 0x4e584e43
	cmdAUTH = 0x48545541
	cmdOPEN = 0x4e45504f
	cmdOKAY = 0x59414b4f
	cmdWRTE = 0x45545257
	cmdCLSE = 0x45534c43

	version  = 0x01000001 // from here on checksums are not looked at
	version1 = 0x01000000

	authToken  = 1
	maxPayload = 1 << 20
)

type packet struct {
	cmd, arg0, arg1 uint32
	data            []byte
}

func readPacket(r io.Reader) (packet, error) {
	var head [24]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return packet{}, err
	}
	le := binary.LittleEndian
	p := packet{cmd: le.Uint32(head[:]), arg0: le.Uint32(head[4:]), arg1: le.Uint32(head[8:])}
	n := le.Uint32(head[12:])
	if p.cmd^0xffffffff != le.Uint32(head[20:]) || n > maxPayload {
		return p, fmt.Errorf("adbtest: bad packet %x", head)
	}
	p.data = make([]byte, n)
	_, err := io.ReadFull(r, p.data)
	return p, err
}

// head is the 24 bytes before the data. From protocol version 0x01000001 on the
// checksum is 0 once the connection stands.
func (p packet) head(checked bool) []byte {
	sum := uint32(0)
	if checked || p.cmd == cmdCNXN || p.cmd == cmdAUTH {
		sum = checksum(p.data)
	}
	b := make([]byte, 0, 24)
	for _, v := range []uint32{p.cmd, p.arg0, p.arg1, uint32(len(p.data)), sum, p.cmd ^ 0xffffffff} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

func checksum(data []byte) (sum uint32) {
	for _, c := range data {
		sum += uint32(c)
	}
	return sum
}
