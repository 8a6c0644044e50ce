import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.HadoopReadOptions;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.filter2.compat.FilterCompat;
import org.apache.parquet.filter2.predicate.FilterApi;
import org.apache.parquet.filter2.predicate.FilterPredicate;
import org.apache.parquet.filter2.predicate.Operators.Column;
import org.apache.parquet.filter2.predicate.Operators.SupportsLtGt;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;

/**
 * What parquet-java makes of files. Standard input is a line for each task, its fields separated by tabs:
 *
 *   read FILE OUT                              dumps the table (the form is that of readers/tables.py)
 *   count FILE OUT COLUMN (OPERATOR VALUE)...  two numbers of rows that the conditions take: decided by the records alone, and with
 *                                              statistics, dictionaries and page index; then how many rows those had left to look at
 *
 * Results and errors (OUT.error) go to files, so that one failure hides no other.
 */
public final class ReadParquet {
    private static final Configuration CONF = new Configuration();

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] task = line.split("\t", -1);
            Path out = Path.of(task[2]);
            try {
                if (task[0].equals("read")) {
                    read(task[1], out);
                } else {
                    Files.writeString(out, count(task[1], task[3], predicate(task)));
                }
            } catch (Throwable error) {
                StringWriter text = new StringWriter();
                error.printStackTrace(new PrintWriter(text));
                Files.writeString(Path.of(task[2] + ".error"), text.toString());
            }
        }
    }

    private static HadoopInputFile input(String file) throws Exception {
        return HadoopInputFile.fromPath(new org.apache.hadoop.fs.Path(file), CONF);
    }

    /* Columns as they fill up. */
    private static final class Values {
        final byte[] isValid;
        final ByteBuffer words; // of numbers, or the sizes of strings
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        final PrimitiveTypeName type;

        Values(Type column, int nRows) {
            type = column.asPrimitiveType().getPrimitiveTypeName();
            isValid = new byte[nRows];
            words = ByteBuffer.allocate(nRows * (type == PrimitiveTypeName.BINARY ? 4 : 8)).order(ByteOrder.LITTLE_ENDIAN);
        }

        void take(Group row, int column, int number) {
            boolean isNull = row.getFieldRepetitionCount(column) == 0;
            isValid[number] = (byte) (isNull ? 0 : 1);
            switch (type) {
                case BINARY -> {
                    byte[] text = isNull ? new byte[0] : row.getBinary(column, 0).getBytes();
                    words.putInt(text.length);
                    bytes.writeBytes(text);
                }
                case DOUBLE -> words.putDouble(isNull ? 0 : row.getDouble(column, 0));
                case INT64 -> words.putLong(isNull ? 0 : row.getLong(column, 0));
                case INT32 -> words.putLong(isNull ? 0 : row.getInteger(column, 0));
                default -> throw new IllegalStateException("unexpected type " + type);
            }
        }
    }

    private static void read(String file, Path out) throws Exception {
        MessageType schema;
        long nRows;
        try (ParquetFileReader footer = ParquetFileReader.open(input(file))) {
            schema = footer.getFileMetaData().getSchema();
            nRows = footer.getRecordCount();
        }
        List<Values> columns = new ArrayList<>();
        for (Type column : schema.getFields()) {
            columns.add(new Values(column, Math.toIntExact(nRows)));
        }
        int n = 0;
        try (ParquetReader<Group> reader = ParquetReader.builder(new GroupReadSupport(), new org.apache.hadoop.fs.Path(file)).build()) {
            for (Group row = reader.read(); row != null; row = reader.read(), n++) {
                for (int c = 0; c < columns.size(); c++) {
                    columns.get(c).take(row, c, n);
                }
            }
        }
        if (n != nRows) {
            throw new IllegalStateException(n + " rows instead of " + nRows);
        }
        try (OutputStream stream = Files.newOutputStream(out)) {
            write(stream, schema, nRows, columns);
        }
    }

    private static void write(OutputStream out, MessageType schema, long nRows, List<Values> columns) throws Exception {
        DataOutputStream data = new DataOutputStream(out);
        data.writeInt(Integer.reverseBytes(columns.size()));
        data.writeLong(Long.reverseBytes(nRows));
        for (int c = 0; c < columns.size(); c++) {
            Type type = schema.getType(c);
            writeText(data, type.getName());
            writeText(data, columns.get(c).type + " " + type.getLogicalTypeAnnotation());
            data.write(columns.get(c).isValid);
            data.write(columns.get(c).words.array());
            columns.get(c).bytes.writeTo(data);
        }
    }

    private static void writeText(DataOutputStream data, String text) throws Exception {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        data.writeInt(Integer.reverseBytes(bytes.length));
        data.write(bytes);
    }

    private static FilterPredicate predicate(String[] task) {
        FilterPredicate all = predicate(task[3], task[4], task[5]);
        for (int i = 6; i < task.length; i += 2) {
            all = FilterApi.and(all, predicate(task[3], task[i], task[i + 1]));
        }
        return all;
    }

    private static FilterPredicate predicate(String name, String operator, String value) {
        String text = value.substring(1);
        return switch (value.charAt(0)) {
            case 'i' -> compare(FilterApi.longColumn(name), operator, Long.valueOf(text));
            case 'd' -> compare(FilterApi.doubleColumn(name), operator, Double.valueOf(text));
            case 's' -> compare(FilterApi.binaryColumn(name), operator, Binary.fromString(text));
            default -> throw new IllegalArgumentException(value);
        };
    }

    private static <T extends Comparable<T>, C extends Column<T> & SupportsLtGt> FilterPredicate compare(C column, String operator, T value) {
        return switch (operator) {
            case "=" -> FilterApi.eq(column, value);
            case "!=" -> FilterApi.and(FilterApi.notEq(column, value), FilterApi.notEq(column, (T) null)); // as SQL has it
            case "<" -> FilterApi.lt(column, value);
            case "<=" -> FilterApi.ltEq(column, value);
            case ">" -> FilterApi.gt(column, value);
            case ">=" -> FilterApi.gtEq(column, value);
            default -> throw new IllegalArgumentException(operator);
        };
    }

    private static String count(String file, String column, FilterPredicate predicate) throws Exception {
        ParquetReadOptions skipping = HadoopReadOptions.builder(CONF).withRecordFilter(FilterCompat.get(predicate)).useStatsFilter(true)
            .useDictionaryFilter(true).useColumnIndexFilter(true).build();
        long left;
        Configuration conf = new Configuration(CONF);
        try (ParquetFileReader reader = ParquetFileReader.open(input(file), skipping)) {
            left = reader.getFilteredRecordCount();
            MessageType schema = reader.getFileMetaData().getSchema();
            conf.set(ReadSupport.PARQUET_READ_SCHEMA, new MessageType(schema.getName(), schema.getType(column)).toString());
        }
        return count(file, conf, predicate, false) + " " + count(file, conf, predicate, true) + " " + left;
    }

    private static long count(String file, Configuration conf, FilterPredicate predicate, boolean isSkipping) throws Exception {
        long n = 0;
        try (ParquetReader<Group> reader = ParquetReader.builder(new GroupReadSupport(), new org.apache.hadoop.fs.Path(file)).withConf(conf)
                 .withFilter(FilterCompat.get(predicate)).useStatsFilter(isSkipping).useDictionaryFilter(isSkipping).useColumnIndexFilter(isSkipping)
                 .useRecordFilter(true).build()) {
            while (reader.read() != null) {
                n++;
            }
        }
        return n;
    }
}
