// SPDX-License-Identifier: MIT
// Contracts for tests and the demo only; none of them is meant for a real chain.
//
// TestToken behaves as a good ERC-20 does, until its owner asks for one of the faults that real
// tokens have. The small contracts below it are receivers that make native payouts difficult.
pragma solidity 0.8.37;

contract TestToken {
	// What `transfer` does when it moves money. All but Good break ERC-20 in a way seen in the wild.
	enum Behaviour {
		Good,
		NoReturn, // returns nothing, as USDT does; still a success
		SilentFalse, // moves nothing, returns false, does not revert
		NoLog, // moves the money without a Transfer log
		WrongAmountLog, // moves the money, the log tells half of it
		WrongReceiverLog, // moves the money, the log names the token itself as the receiver
		TwoLogs, // moves the money once, logs it twice
		OnlyLog, // logs a transfer, moves nothing
		Fee // the receiver gets one percent less than was sent
	}

	event Transfer(address indexed from, address indexed to, uint256 value);
	event Approval(address indexed owner, address indexed spender, uint256 value);

	string public name;
	string public symbol;
	uint8 public immutable decimals;
	address public immutable owner;
	uint256 public totalSupply;
	mapping(address => uint256) public balanceOf;
	mapping(address => mapping(address => uint256)) public allowance;

	bool public paused;
	mapping(address => bool) public blocked;
	Behaviour public behaviour;

	modifier onlyOwner() {
		require(msg.sender == owner, "TestToken: not the owner");
		_;
	}

	constructor(string memory name_, string memory symbol_, uint8 decimals_) {
		name = name_;
		symbol = symbol_;
		decimals = decimals_;
		owner = msg.sender;
	}

	function mint(address to, uint256 value) external onlyOwner {
		totalSupply += value;
		balanceOf[to] += value;
		emit Transfer(address(0), to, value);
	}

	function setPaused(bool paused_) external onlyOwner {
		paused = paused_;
	}

	function setBlocked(address account, bool blocked_) external onlyOwner {
		blocked[account] = blocked_;
	}

	function setBehaviour(Behaviour behaviour_) external onlyOwner {
		behaviour = behaviour_;
	}

	function approve(address spender, uint256 value) external returns (bool) {
		allowance[msg.sender][spender] = value;
		emit Approval(msg.sender, spender, value);
		return true;
	}

	function transferFrom(address from, address to, uint256 value) external returns (bool) {
		uint256 allowed = allowance[from][msg.sender];
		require(allowed >= value, "TestToken: allowance too low");
		if (allowed != type(uint256).max) allowance[from][msg.sender] = allowed - value;
		return pay(from, to, value);
	}

	function transfer(address to, uint256 value) external returns (bool) {
		return pay(msg.sender, to, value);
	}

	function pay(address from, address to, uint256 value) private returns (bool) {
		require(!paused, "TestToken: paused");
		require(!blocked[from] && !blocked[to], "TestToken: blocked");
		require(to != address(0), "TestToken: zero address");
		require(balanceOf[from] >= value, "TestToken: balance too low");
		if (behaviour == Behaviour.SilentFalse) return false;

		uint256 received = behaviour == Behaviour.Fee ? value - value / 100 : value;
		if (behaviour != Behaviour.OnlyLog) {
			balanceOf[from] -= value;
			balanceOf[to] += received;
			totalSupply -= value - received;
		}
		log(from, to, received);
		if (behaviour == Behaviour.NoReturn) {
			assembly {
				return(0, 0)
			}
		}
		return true;
	}

	function log(address from, address to, uint256 value) private {
		if (behaviour == Behaviour.NoLog) return;
		if (behaviour == Behaviour.WrongAmountLog) value /= 2;
		if (behaviour == Behaviour.WrongReceiverLog) to = address(this);
		emit Transfer(from, to, value);
		if (behaviour == Behaviour.TwoLogs) emit Transfer(from, to, value);
	}
}

// Reverts on every native payment.
contract RefusingReceiver {
	receive() external payable {
		revert("RefusingReceiver: no");
	}
}

// Burns all the gas that a native payment brings.
contract BurningReceiver {
	uint256 public count;

	receive() external payable {
		while (true) count++;
	}
}
