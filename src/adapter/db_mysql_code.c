#include "adapter/db_mysql_code.h"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>

#ifndef ER_CONSTRAINT_FAILED
#define ER_CONSTRAINT_FAILED 4025 /* MariaDB: a CHECK said no */
#endif
#define ER_CHECK_VIOLATED    3819 /* the same, MySQL 8 */
#define ER_SERVER_READS_ONLY 1836
#define ER_IDLE_TOO_LONG     4031 /* MySQL from 8.0.24: it has ended a session that said nothing */

bool db_mysql_is_lost(unsigned code)
{
	switch (code) {
	case CR_SERVER_GONE_ERROR:
	case CR_SERVER_LOST:
	case CR_CONNECTION_ERROR:
	case CR_CONN_HOST_ERROR:
	case CR_COMMANDS_OUT_OF_SYNC:
	case CR_MALFORMED_PACKET:
	case ER_CONNECTION_KILLED:
	case ER_SERVER_SHUTDOWN:
	case ER_NET_READ_INTERRUPTED:
	case ER_NET_READ_ERROR:
	case ER_IDLE_TOO_LONG:
	/* A primary that became a replica keeps its connections: the other one is behind a new one.
	 */
	case ER_OPTION_PREVENTS_STATEMENT:
	case ER_SERVER_READS_ONLY:
		return true;
	default:
		return code >= CR_MIN_ERROR && code <= CR_MAX_ERROR;
	}
}

bool db_mysql_is_undone(unsigned code)
{
	return code == ER_LOCK_DEADLOCK || code == ER_LOCK_WAIT_TIMEOUT;
}

bool db_mysql_has_waited(unsigned code)
{
	return code == ER_LOCK_WAIT_TIMEOUT;
}

bool db_mysql_is_conflict(unsigned code)
{
	return code == ER_DUP_ENTRY || code == ER_DUP_ENTRY_WITH_KEY_NAME || code == ER_DUP_KEY ||
	       code == ER_CONSTRAINT_FAILED || code == ER_CHECK_VIOLATED;
}

bool db_mysql_is_made_already(unsigned code)
{
	return code == ER_TABLE_EXISTS_ERROR || code == ER_DUP_KEYNAME;
}

bool db_mysql_is_refused(unsigned code)
{
	switch (code) {
	case ER_PARSE_ERROR:
	case ER_BAD_FIELD_ERROR:
	case ER_NO_SUCH_TABLE:
	case ER_BAD_NULL_ERROR:
	case ER_DATA_TOO_LONG:
	case ER_WARN_DATA_OUT_OF_RANGE:
	case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
	case ER_TABLEACCESS_DENIED_ERROR:
	case ER_COLUMNACCESS_DENIED_ERROR:
	case ER_DBACCESS_DENIED_ERROR:
	case ER_ACCESS_DENIED_ERROR:
	case ER_BAD_DB_ERROR:
		return true;
	default:
		return false;
	}
}
